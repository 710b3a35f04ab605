import { Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

import { digest } from '../lib/artifacts/lineage';

/** Leaves room for what controllers append: a Job's hash, a pod's role and index. */
const MAXIMUM_LENGTH = 40;

/** Which construct of an app has a name, by namespace and name. */
const OWNERS = new WeakMap<IConstruct, Map<string, string>>();

/**
 * The name of a construct's Kubernetes objects: the ids from its chart down, joined by `-`. It does not depend on anything else in the tree.
 *
 * @throws if an id is not kebab-case, or another construct has the name: `a-b` and `b` below `a`, say
 */
export function objectName(scope: IConstruct): string {
  const scopes = scope.node.scopes;
  const ids = scopes.slice(scopes.indexOf(Chart.of(scope))).map(({ node }) => node.id);
  const wrong = ids.find((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id));
  if (wrong !== undefined) {
    throw new Error(`construct ids become Kubernetes names, so they must be kebab-case like 'finetune-adgen', got '${wrong}'`);
  }
  if (!/^[a-z]/.test(ids[0] ?? '')) {
    throw new Error(`the id of a chart begins the names of Services, so it must begin with a letter, got '${String(ids[0])}'`);
  }
  const name = ids.join('-');
  return owned(scope, name.length <= MAXIMUM_LENGTH ? name : `${name.slice(0, MAXIMUM_LENGTH - 9)}-${digest(name, 8)}`.replace(/-+/g, '-'));
}

/** Objects of one name would silently replace each other in the cluster. */
function owned(scope: IConstruct, name: string): string {
  const { root, path } = scope.node;
  const chart = Chart.of(scope);
  const owners = OWNERS.get(root) ?? new Map<string, string>();
  const key = `${chart.namespace ?? chart.node.path} ${name}`;
  const owner = owners.get(key) ?? path;
  if (owner !== path) {
    throw new Error(`its objects would be called '${name}' like those of ${owner}; give one of the two another id`);
  }
  OWNERS.set(root, owners.set(key, owner));
  return name;
}

/** Labels of every object of a construct, and the smaller set that selects its pods. */
export function objectLabels(name: string, component: string, scope: IConstruct): { labels: Record<string, string>; selector: Record<string, string> } {
  const selector = { 'app.kubernetes.io/instance': name, 'app.kubernetes.io/component': component };
  return {
    selector,
    labels: {
      ...Chart.of(scope).labels,
      ...selector,
      'app.kubernetes.io/name': 'chatglm',
      'app.kubernetes.io/part-of': Chart.of(scope).node.id,
      'app.kubernetes.io/managed-by': 'cdk8s-chatglm',
    },
  };
}
