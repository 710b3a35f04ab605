import * as fc from 'fast-check';
import { ArtifactFormat, GlmModel, MindFormersVersion, Runtime } from 'cdk8s-chatglm';

import { artifact } from '../../support/synthesized';
import { finetuneRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const runtime = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE) });
const { layers, heads } = GlmModel.CHATGLM3_6B.shape;

interface Split { readonly nodes: number; readonly devicesPerNode: number; readonly dataParallel: number; readonly modelParallel: number; readonly pipelineStages: number }

const finetune = ({ nodes, devicesPerNode, ...settings }: Split) => runtime._finetune(finetuneRequest({ nodes, devicesPerNode, podIndex: '$(INDEX)', settings }));

/** What MindFormers' check_rules and its models demand of a split. */
function mistake({ nodes, devicesPerNode, dataParallel, modelParallel, pipelineStages }: Split): string | undefined {
  const product = dataParallel * modelParallel * pipelineStages;
  if (product !== nodes * devicesPerNode) {
    return `'dataParallel' * 'modelParallel' * 'pipelineStages' must be ${String(nodes * devicesPerNode)}, the devices of the job, got `
      + `${String(dataParallel)} * ${String(modelParallel)} * ${String(pipelineStages)} = ${String(product)}`;
  }
  if (pipelineStages > layers) {
    return `'pipelineStages' must be at most ${String(layers)}, the layers of the model, got ${String(pipelineStages)}`;
  }
  return heads % modelParallel === 0 ? undefined : `'modelParallel' must divide ${String(heads)}, the attention heads of the model, got ${String(modelParallel)}`;
}

const size = fc.integer({ min: 1, max: 64 });
const anything = fc.record({ nodes: fc.integer({ min: 1, max: 16 }), devicesPerNode: fc.integer({ min: 1, max: 16 }), dataParallel: size, modelParallel: size, pipelineStages: size });
/** Splits whose product is right, so that both answers come often. */
const product = fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }), fc.nat(), fc.nat()).map(([nodes, devicesPerNode, first, second]) => {
  const devices = nodes * devicesPerNode;
  const pick = (total: number, index: number): number => {
    const divisors = Array.from({ length: total }, (_, number) => number + 1).filter((number) => total % number === 0);
    return divisors[index % divisors.length]!;
  };
  const modelParallel = pick(devices, first);
  const pipelineStages = pick(devices / modelParallel, second);
  return { nodes, devicesPerNode, modelParallel, pipelineStages, dataParallel: devices / modelParallel / pipelineStages };
});

test('any legal split over nodes and devices is taken, any other is refused with the product shown', () => {
  fc.assert(fc.property(fc.oneof(anything, product), (split) => {
    const wrong = mistake(split);
    if (wrong !== undefined) {
      expect(thrownBy(() => finetune(split))).toBe(wrong);
      return;
    }
    const task = finetune(split);
    expect(task.devicesPerReplica).toBe(split.modelParallel * split.pipelineStages);
    expect(task.command).toEqual(expect.arrayContaining([
      `--parallel_config.data_parallel=${String(split.dataParallel)}`, `--parallel_config.model_parallel=${String(split.modelParallel)}`,
      `--parallel_config.pipeline_stage=${String(split.pipelineStages)}`,
    ]));
  }), { numRuns: 400 });
});

test('of many pods each is told how many there are, which it is, and where all meet', () => {
  const { command, output } = runtime._finetune(finetuneRequest({ nodes: 12, podIndex: '$(INDEX)', firstPod: '$(FIRST_POD)' }));
  const after = (script: string, count: number) => command.slice(command.indexOf(`/opt/cdk8s-chatglm/${script}.py`) + 1).slice(0, count);

  expect(after('run_task', 15).slice(-5)).toEqual(['--pods', '12', '--pod-index', { template: '$(INDEX)' }, '--']);
  expect(after('launch', 10)).toEqual([
    '--devices', '8', '--nodes', '12', '--node-index', { template: '$(INDEX)' }, '--meet-file', `${output.path}.meet`, '--meet-host', { template: '$(FIRST_POD)' },
  ]);
  expect(command).toContain('--parallel_config.data_parallel=96');
});
