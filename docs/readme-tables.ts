import {
  Accelerator, Artifact, ArtifactFormat, EnvPresets, type IArtifactStore, MindFormersVersion, NodeType, Runtime,
} from 'cdk8s-chatglm';

/** The parts of README.md that are made from the catalogues, by the name of their place. */
export function readmeTables(): Record<string, string> {
  return { accelerators: accelerators(), 'node-types': nodeTypes(), runtimes: runtimes(), presets: presets() };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function constantName(owner: object, value: unknown): string {
  return `\`${Object.entries(owner).find(([, candidate]) => candidate === value)?.[0] ?? ''}\``;
}

function accelerators(): string {
  return table(['`Accelerator.`', 'Chip', 'Memory a device', 'Precisions', 'Runtimes'], Accelerator.all().map((chip) => [
    constantName(Accelerator, chip), chip.name,
    chip.deviceMemory === undefined ? 'no source: say `deviceMemory`' : `${String(chip.deviceMemory.toGibibytes())} GiB`,
    chip.dtypes.join(', '), chip.runtimes.join(', ') || 'none',
  ]));
}

function nodeTypes(): string {
  return table(['`NodeType.`', 'Product', 'Chips', 'Devices a node', 'Devices a pod'], NodeType.all().map((nodeType) => [
    constantName(NodeType, nodeType), nodeType.name, nodeType.accelerators.map(String).join(', '),
    nodeType.devicesPerNode === undefined ? 'any' : String(nodeType.devicesPerNode), nodeType.podCounts(1)?.join(', ') ?? 'any',
  ]));
}

function runtimes(): string {
  const store: IArtifactStore = { storeName: 'store', shared: true, readOnly: false, volumeSource: {} };
  const sourceTree = Artifact.existing({ store, directory: 'mindformers', format: ArtifactFormat.SOURCE_TREE });
  const image = 'example.com/image:1';
  const all = {
    mindFormers: Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree }),
    atbModels: Runtime.atbModels({ image }),
    mindIe: Runtime.mindIe({ image }),
    torchNpu: Runtime.torchNpu({ image }),
    cambriconPyTorch: Runtime.cambriconPyTorch({ image }),
    sophon: Runtime.sophon({ image }),
    echo: Runtime.echo(),
  };
  return table(['`Runtime.`', 'Models', 'Chips', 'Tasks'], Object.entries(all).map(([factory, runtime]) => [
    `\`${factory}\``, runtime.models?.join(', ') ?? 'all', runtime.needsAccelerator ? seriesOf(runtime) : 'none needed', runtime.tasks.join(', '),
  ]));
}

function seriesOf(runtime: Runtime): string {
  return [...new Set(Accelerator.all().filter((chip) => runtime.supports(chip)).map(({ series }) => series))].join(', ');
}

function presets(): string {
  return table(['`EnvPresets.`', 'Chips', 'Variables'], EnvPresets.all().map((preset) => [
    constantName(EnvPresets, preset), preset.series?.join(', ') ?? 'all',
    Object.entries(preset.variables).map(([name, { value, onlyOnSeries }]) => `\`${name}=${value}\`${onlyOnSeries ? ` (${onlyOnSeries.join(', ')})` : ''}`).join(' ') || 'set them with `with`',
  ]));
}
