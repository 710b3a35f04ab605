import type { KubernetesObject } from '../workloads/kubernetes-object';
import { checkObjects, RULES } from './check-objects';
import type { Place } from './fault';
import { listedObjects } from './listed-objects';
import { documentationOf, type Finding, type Severity } from './rule';
import { dotted, isMap } from './shape';

/** What cdk8s-cli hands to a validation plugin, as far as it is used here. */
interface ValidationContext {
  readonly manifests: readonly string[];
  readonly report: {
    addViolation(violation: Violation): void;
    submit(status: 'failure' | 'success'): void;
  };
  parseManifest(manifestPath: string): unknown[];
}

interface Violation {
  readonly ruleName: string;
  readonly recommendation: string;
  readonly fix: string;
  readonly violatingResources: readonly { readonly resourceName: string; readonly locations: readonly string[]; readonly manifestPath: string }[];
}

interface Source {
  readonly manifestPath: string;
  readonly object: KubernetesObject;
  /** Where the object stands in its document. */
  readonly prefix: Place;
}

interface Found extends Finding {
  readonly manifestPath: string;
  readonly resourceName: string;
}

/**
 * The rules as a validation plugin of cdk8s-cli: name it in `cdk8s.yaml`, and `cdk8s synth` checks every manifest that it writes, whoever wrote the charts.
 * All manifests count as applied together. It is for Node.js alone, where the plugins of cdk8s-cli run.
 *
 * @jsii ignore
 */
export class ManifestRules {
  private readonly severity: Severity;

  /**
   * @param properties `severity: error` leaves warnings out
   * @throws if the severity is neither `error` nor `warning`
   */
  constructor(properties: { readonly severity?: string } = {}) {
    const { severity = 'warning' } = properties;
    if (severity !== 'warning' && severity !== 'error') {
      throw new Error(`'severity' must be warning or error, got '${severity}'`);
    }
    this.severity = severity;
  }

  /** Checks all manifests and reports what was found, one violation a rule. */
  public async validate(context: ValidationContext): Promise<void> {
    const sources = context.manifests.flatMap((manifestPath) => sourcesIn(manifestPath, context.parseManifest(manifestPath)));
    const found = checkObjects(sources.map(({ object }) => object))
      .filter(({ severity }) => this.severity === 'warning' || severity === 'error')
      .map((finding) => foundIn(sources[finding.index]!, finding));
    violationsOf(found).forEach((violation) => { context.report.addViolation(violation); });
    context.report.submit(found.length === 0 ? 'success' : 'failure');
    await Promise.resolve();
  }
}

/** The Kubernetes objects in the documents of a manifest. Folders of manifests hold files of other tools as well, as the values of a Helm chart. */
function sourcesIn(manifestPath: string, documents: readonly unknown[]): Source[] {
  return documents.flatMap((document) => listedObjects(document)).flatMap(([value, prefix]) => {
    const isObject = isMap(value) && typeof value.apiVersion === 'string' && typeof value.kind === 'string' && !value.apiVersion.startsWith('kustomize.config.k8s.io/');
    return isObject ? [{ manifestPath, prefix, object: { ...value, metadata: value.metadata ?? {} } as unknown as KubernetesObject }] : [];
  });
}

function foundIn({ manifestPath, prefix }: Source, finding: Finding): Found {
  return { ...finding, place: [...prefix, ...finding.place], manifestPath, resourceName: finding.object.slice(finding.object.indexOf('/') + 1) };
}

function violationsOf(found: readonly Found[]): Violation[] {
  return RULES.flatMap(({ id, explanation, fix }) => {
    const violatingResources = found.filter(({ rule }) => rule === id)
      .map(({ resourceName, manifestPath, place, message }) => ({ resourceName, manifestPath, locations: [`${dotted(place)}: ${message}`] }));
    return violatingResources.length === 0 ? [] : [{ ruleName: id, recommendation: explanation, fix: `${fix} (${documentationOf(id)})`, violatingResources }];
  });
}
