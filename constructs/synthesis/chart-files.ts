import { type App, type Chart, Names, YamlOutputType } from 'cdk8s';

import { Platform } from '../../lib/platform';
import type { ConstructOrder } from './construct-order';
import type { Faults } from './faults';
import { joined, objectText, objectTexts } from './object-text';
import type { OutputFolder } from './output-folder';
import { StageFolders } from './stage-folders';

/** What one synth works with. */
export interface SynthRun {
  readonly order: ConstructOrder;
  readonly output: OutputFolder;
  readonly faults: Faults;
  /** Whether files begin with numbers. */
  readonly numbered: boolean;
}

/** How charts become files. */
export class ChartFiles {
  public constructor(private readonly app: App, private readonly run: SynthRun) {}

  /**
   * Puts the files of all charts.
   *
   * @throws if a delivery's folders and the way to divide the output into files do not go together
   */
  public put(charts: readonly Chart[]): void {
    const inFolders = new Set(charts.filter((chart) => Platform.of(chart).delivery._hasFolders));
    const [first] = inFolders;
    if (first !== undefined && this.app.yamlOutputType !== YamlOutputType.FILE_PER_CHART) {
      throw new Error(`the delivery ${Platform.of(first).delivery.name} of the chart '${first.node.path}' writes folders, so 'yamlOutputType' must be left out, got ${YamlOutputType[this.app.yamlOutputType]}`);
    }
    const folders = new StageFolders(this.app, this.run.output, this.run.faults);
    inFolders.forEach((chart) => { folders.put(chart, this.run.order.objects(chart)); });
    this.putFiles(charts.filter((chart) => !inFolders.has(chart)));
  }

  private putFiles(charts: readonly Chart[]): void {
    const { order, output, faults } = this.run;
    switch (this.app.yamlOutputType) {
      case YamlOutputType.FILE_PER_APP:
        this.putApp(charts);
        break;
      case YamlOutputType.FILE_PER_CHART:
        charts.forEach((chart, index) => { output.put(this.file(this.name(chart, index)), joined(objectTexts(order.objects(chart), faults))); });
        break;
      case YamlOutputType.FILE_PER_RESOURCE:
        charts.forEach((chart) => { this.putResources(chart); });
        break;
      case YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE:
        charts.forEach((chart, index) => { this.putFolder(chart, this.name(chart, index)); });
        break;
    }
  }

  private putApp(charts: readonly Chart[]): void {
    if (charts.length > 0) {
      const { order, output, faults } = this.run;
      output.put(this.file('app'), joined(charts.flatMap((chart) => objectTexts(order.objects(chart), faults))));
    }
  }

  /** Named by what is rendered. */
  private putResources(chart: Chart): void {
    const { order, output, faults } = this.run;
    order.objects(chart).forEach((object) => {
      faults.keep(() => {
        const manifest = object.toJson() as { kind: string; metadata: { name?: string } };
        output.put(this.resourceFile(manifest.kind, manifest.metadata.name), objectText(object, manifest));
      });
    });
  }

  /** Named by what was said, before patches. */
  private putFolder(chart: Chart, folder: string): void {
    const { order, output, faults } = this.run;
    output.putFolder(folder);
    order.objects(chart).forEach((object) => {
      faults.keep(() => { output.put(`${folder}/${this.resourceFile(object.kind, object.metadata.name)}`, objectText(object)); });
    });
  }

  private resourceFile(kind: string, name: string | undefined): string {
    return this.file(`${kind}.${String(name)}`.replace(/[^0-9a-zA-Z-_.]/g, ''));
  }

  private name(chart: Chart, index: number): string {
    const name = Names.toDnsLabel(chart);
    return this.run.numbered ? `${index.toString().padStart(4, '0')}-${name}` : name;
  }

  private file(name: string): string {
    return `${name}${this.app.outputFileExtension}`;
  }
}
