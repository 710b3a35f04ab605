import { type App, type Chart, Names, YamlOutputType } from 'cdk8s';

import { Platform } from '../../lib/platform';
import type { ChartManifests } from './chart-manifests';
import type { Faults } from './faults';
import { joined, objectText, objectTexts } from './object-text';
import type { OutputFolder } from './output-folder';
import { StageFolders } from './stage-folders';

/** What one synth works with. */
export interface SynthRun {
  readonly manifests: ChartManifests;
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
    const folders = new StageFolders(this.app, this.run.output);
    inFolders.forEach((chart) => { folders.put(chart, this.run.manifests.of(chart)); });
    this.putFiles(charts.filter((chart) => !inFolders.has(chart)));
  }

  private putFiles(charts: readonly Chart[]): void {
    const { manifests, output, faults } = this.run;
    switch (this.app.yamlOutputType) {
      case YamlOutputType.FILE_PER_APP:
        this.putApp(charts);
        break;
      case YamlOutputType.FILE_PER_CHART:
        charts.forEach((chart, index) => { output.put(this.file(this.name(chart, index)), joined(objectTexts(manifests.of(chart), faults))); });
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
      const { manifests, output, faults } = this.run;
      output.put(this.file('app'), joined(charts.flatMap((chart) => objectTexts(manifests.of(chart), faults))));
    }
  }

  /** Named by what is rendered. */
  private putResources(chart: Chart): void {
    const { manifests, output, faults } = this.run;
    manifests.of(chart).forEach((rendered) => {
      const { kind, metadata: { name } } = rendered.manifest;
      faults.keep(() => { output.put(this.resourceFile(kind, name), objectText(rendered)); });
    });
  }

  /** Named by what was said, before patches. */
  private putFolder(chart: Chart, folder: string): void {
    const { manifests, output, faults } = this.run;
    output.putFolder(folder);
    manifests.of(chart).forEach((rendered) => {
      const { kind, metadata: { name } } = rendered.object;
      faults.keep(() => { output.put(`${folder}/${this.resourceFile(kind, name)}`, objectText(rendered)); });
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
