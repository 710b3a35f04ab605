import { type App, type Chart, Names } from 'cdk8s';

import type { Delivery } from '../../lib/delivery';
import { isRingsConfig } from '../../lib/gitops/annotations';
import { type AppliedStage, fullName } from '../../lib/gitops/applied-stage';
import { applyScript } from '../../lib/gitops/apply-script';
import { argoCdApplication } from '../../lib/gitops/argo-cd';
import { fluxKustomization, kustomizationFile } from '../../lib/gitops/flux';
import { Platform } from '../../lib/platform';
import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { type Stage, Stages } from '../stages/stage';
import type { RenderedObject } from './chart-manifests';
import { manifestText } from './manifest-text';
import type { OutputFolder } from './output-folder';

/** The order of folders, of Kustomizations and of Applications in their files. */
const PARTS = ['base', 'jobs', 'serving'];
/** Flux puts the name of a Kustomization into a label of what it applies; so does Argo CD that of an Application where it tracks by label, as by default before 3.0. */
const LONGEST_LABEL = 63;

/** Writes a chart as a folder for each stage, or for each Application, and what the delivery needs beside it. Nothing here depends on other charts, except what must come before. */
export class StageFolders {
  public constructor(private readonly app: App, private readonly output: OutputFolder) {}

  /** Puts a chart's folders, and what applies them. */
  public put(chart: Chart, objects: readonly RenderedObject[]): void {
    const { delivery } = Platform.of(chart);
    const stages = this.stagesOf(chart, objects, delivery);
    stages.forEach((stage) => { this.putStage(stage, delivery); });
    this.putControl(Names.toDnsLabel(chart), stages, delivery);
  }

  private stagesOf(chart: Chart, objects: readonly RenderedObject[], delivery: Delivery): AppliedStage[] {
    const stages = Stages.of(this.app);
    const folders = new Map<string, { readonly stage: Stage; readonly objects: RenderedObject[] }>();
    for (const object of objects) {
      const stage = stages.stageOf(object.object);
      const folder = folders.get(folderName(stage, delivery)) ?? { stage, objects: [] };
      folders.set(folderName(stage, delivery), folder);
      folder.objects.push(object);
    }
    return [...folders].sort(([, first], [, second]) => compareStages(first.stage, second.stage)).map(([name, { objects: members }]) => ({
      chart: Names.toDnsLabel(chart), name, namespace: chart.namespace,
      manifests: members.map(({ manifest }) => manifest),
      after: [...name !== 'base' && folders.has('base') ? [fullName({ chart: Names.toDnsLabel(chart), name: 'base' })] : [],
        ...new Set(stages.before(members.map(({ object }) => object)).filter((stage) => isAppliedBy(stage.chart, delivery)).map((stage) => fullName({ chart: Names.toDnsLabel(stage.chart), name: folderName(stage, delivery) })))],
    }));
  }

  private putStage({ chart, name, manifests }: AppliedStage, delivery: Delivery): void {
    const ending = this.app.outputFileExtension;
    const apart = delivery.name === 'kubectl' ? manifests.filter((manifest) => isRingsConfig({ kind: manifest.kind, name: manifest.metadata.name })) : [];
    const file = `${chart}${ending}`;
    this.output.put(`${chart}/${name}/${file}`, documents(manifests.filter((manifest) => !apart.includes(manifest))));
    if (apart.length > 0) {
      this.output.put(`${chart}/${name}/rings-config${ending}`, documents(apart));
    }
    if (delivery.name === 'flux') {
      this.output.put(`${chart}/${name}/kustomization.yaml`, manifestText(kustomizationFile([file])));
    }
  }

  /** What makes the tool apply the folders. */
  private putControl(chart: string, stages: readonly AppliedStage[], { name, _options: options }: Delivery): void {
    switch (name) {
      case 'flux':
        this.putControlFile('flux', chart, stages.map((stage) => fluxKustomization(stage, options)));
        break;
      case 'argo-cd':
        this.putControlFile('argo-cd', chart, stages.map((part) => argoCdApplication(part, options)));
        break;
      default:
        this.output.put('apply.sh', applyScript(this.app.outputFileExtension), { executable: true, control: true });
    }
  }

  private putControlFile(folder: string, chart: string, objects: readonly KubernetesObject[]): void {
    const tooLong = objects.find(({ metadata: { name } }) => name.length > LONGEST_LABEL);
    if (tooLong !== undefined) {
      throw new Error(`the ${tooLong.kind} '${tooLong.metadata.name}' has ${String(tooLong.metadata.name.length)} characters in its name, which becomes a label of at most ${String(LONGEST_LABEL)}; give the chart '${chart}' a shorter id`);
    }
    if (folder === chart) {
      throw new Error(`a chart cannot be called '${chart}' with this delivery, whose own files go into the folder of that name; give it another id`);
    }
    this.output.put(`${folder}/${chart}${this.app.outputFileExtension}`, documents(objects), { control: true });
  }
}

/** Others apply the rest; nobody could wait for that. */
function isAppliedBy(chart: Chart, { name }: Delivery): boolean {
  const { delivery } = Platform.of(chart);
  return delivery.name === name && delivery._hasFolders;
}

function folderName({ part, depth }: Stage, delivery: Delivery): string {
  return part === 'base' || !delivery._hasStages ? part : `${part}-${String(depth)}`;
}

function compareStages(first: Stage, second: Stage): number {
  return PARTS.indexOf(first.part) - PARTS.indexOf(second.part) || first.depth - second.depth;
}

function documents(manifests: readonly object[]): string {
  return manifests.map(manifestText).join('---\n');
}
