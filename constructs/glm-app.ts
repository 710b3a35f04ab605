import { type ApiObject, App, type AppProps, Chart, YamlOutputType } from 'cdk8s';

import { kustomizationFile } from '../lib/gitops/flux';
import { Platform } from '../lib/platform';
import { compareObjectsOfApp } from './chart-rules';
import { ChartFiles } from './synthesis/chart-files';
import { ChartManifests } from './synthesis/chart-manifests';
import { ConstructOrder } from './synthesis/construct-order';
import { Faults, listed } from './synthesis/faults';
import { manifestText } from './synthesis/manifest-text';
import { joined, objectTexts } from './synthesis/object-text';
import { OutputFolder } from './synthesis/output-folder';

/** What cdk8s's app has, and what happens to files that it does not write. */
export interface GlmAppProps extends AppProps {
  /**
   * Delete manifests of charts and objects that are gone: files of the output folder (with a folder for each chart, of these folders too) whose names end with
   * `outputFileExtension` and that this synth did not write. The folder must then be this app's alone. Hidden files and links stay.
   *
   * @default false
   */
  readonly prune?: boolean;

  /**
   * Put a number before the names of files when charts depend on each other, as cdk8s does. A chart that comes or goes then renames the files of others.
   *
   * @default true
   */
  readonly numberedFiles?: boolean;

  /**
   * Write a `kustomization.yaml` that lists all manifests, so that the output folder is a base for Kustomize.
   *
   * @default false
   */
  readonly kustomization?: boolean;
}

const INVALID = 'Validation failed with the following errors:';

/** Endings that files of others have as well. */
const COMMON_ENDINGS = ['', '.yaml', '.yml', '.json'];

/**
 * A cdk8s app whose `synth` takes time linear in the number of objects, for repositories with hundreds of charts. Its files are those of cdk8s's own `App`, byte for byte,
 * unless the `delivery` of a chart's platform asks for folders (`Delivery.FLUX`, Argo CD with a repository, staged `kubectl`) or for a Helm template.
 *
 * Constructs are validated once, and nothing is written before everything is rendered. A file whose content is the same is not touched; the others are
 * replaced one by one, each at once. Faults of all charts are reported together.
 */
export class GlmApp extends App {
  private readonly prune: boolean;
  private readonly numberedFiles: boolean;
  private readonly kustomization: boolean;

  /**
   * @throws if `prune` cannot tell this app's files from others by `outputFileExtension`
   */
  constructor(props: GlmAppProps = {}) {
    super(props);
    compareObjectsOfApp(this);
    this.prune = props.prune ?? false;
    this.numberedFiles = props.numberedFiles ?? true;
    this.kustomization = props.kustomization ?? false;
    if (this.prune && COMMON_ENDINGS.includes(this.outputFileExtension)) {
      throw new Error(`'prune' knows the files of this app by 'outputFileExtension', so that must be one that others do not have, like '.k8s.yaml', got '${this.outputFileExtension}'`);
    }
  }

  /**
   * Writes the manifests to the output folder.
   *
   * @throws if a validation fails, an object cannot be rendered, or dependencies form a cycle; no file has changed then
   */
  public override synth(): void {
    validate(this);
    const output = new OutputFolder(this.outdir);
    try {
      this.render(output);
      output.commit();
    } finally {
      output.discard();
    }
    if (this.prune) {
      output.prune(this.outputFileExtension, this.folderDepth());
    }
  }

  /**
   * All manifests as one YAML text.
   *
   * @throws as `synth` does
   */
  public override synthYaml(): string {
    validate(this);
    const order = new ConstructOrder(this);
    return rendered(order, (manifests, faults) => joined(order.charts().flatMap((chart) => objectTexts(manifests.of(chart), faults))));
  }

  private render(output: OutputFolder): void {
    const order = new ConstructOrder(this);
    const charts = order.charts();
    rendered(order, (manifests, faults) => {
      new ChartFiles(this, { manifests, output, faults, numbered: order.hasDependentCharts && this.numberedFiles }).put(charts);
    });
    if (this.kustomization) {
      output.put('kustomization.yaml', manifestText(kustomizationFile(output.manifests(this.outputFileExtension))));
    }
    // The app of cdk8s keeps this prop to itself.
    if (Reflect.get(this, 'recordConstructMetadata') === true) {
      output.put('construct-metadata.json', constructMetadata(charts.flatMap((chart) => order.objects(chart))));
    }
  }

  /** How deep the folders are that manifests are written to. */
  private folderDepth(): number {
    const charts = this.node.findAll().filter((construct) => Chart.isChart(construct));
    const inChart = this.yamlOutputType === YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE ? 1 : 0;
    return charts.some((chart) => Platform.of(chart).delivery._hasFolders) ? 2 : inChart;
  }
}

/** Runs what renders objects. All faults are reported together, and what the rules that compare objects found. */
function rendered<T>(order: ConstructOrder, body: (manifests: ChartManifests, faults: Faults) => T): T {
  const faults = new Faults();
  const manifests = new ChartManifests(order, faults);
  const result = body(manifests, faults);
  faults.check('Synthesis failed with the following errors:');
  manifests.check(INVALID);
  return result;
}

function constructMetadata(objects: readonly ApiObject[]): string {
  const resources = Object.fromEntries(objects.map((object) => [object.name, { path: object.node.path }]));
  return JSON.stringify({ version: '1.0.0', resources });
}

function validate(app: App): void {
  const errors = app.node.findAll().flatMap(({ node }) => node.validate().map((error) => `[${node.path}] ${error}`));
  if (errors.length > 0) {
    throw new Error(listed(INVALID, errors));
  }
}
