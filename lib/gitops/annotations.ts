import type { Delivery } from '../delivery';
import { isBatch } from './workload-state';

/** What the annotations of an object depend on. */
export interface DeliveredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** The depth of its stage. */
  readonly depth: number;
}

type Annotations = Readonly<Record<string, string>>;

/** Annotations by which the tool that applies an object keeps order, keeps data, and leaves alone what others write. */
export function deliveryAnnotations(delivery: Delivery, object: DeliveredObject): Annotations {
  return ANNOTATIONS[delivery.name]?.(object, delivery._options.stableJobNames === true) ?? {};
}

/** Whether any object has such annotations. */
export function isAnnotated({ name }: Delivery): boolean {
  return Object.hasOwn(ANNOTATIONS, name);
}

/** The ConfigMap that MindCluster's operator fills. */
export function isRingsConfig({ kind, name }: Pick<DeliveredObject, 'kind' | 'name'>): boolean {
  return kind === 'ConfigMap' && name.startsWith('rings-config-');
}

const ANNOTATIONS: Readonly<Record<string, (object: DeliveredObject, replaceJobs: boolean) => Annotations>> = {
  'argo-cd': (object, replaceJobs) => ({
    'argocd.argoproj.io/sync-wave': String(object.depth),
    ...(holdsData(object) && { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' }),
    ...(replaceJobs && isBatch(object) && { 'argocd.argoproj.io/sync-options': 'Force=true,Replace=true' }),
  }),
  'flux': (object, replaceJobs) => ({
    ...(holdsData(object) && { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' }),
    ...(isRingsConfig(object) && { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }),
    ...(replaceJobs && isBatch(object) && { 'kustomize.toolkit.fluxcd.io/force': 'enabled' }),
  }),
  'helm': (object) => ({ ...(holdsData(object) && { 'helm.sh/resource-policy': 'keep' }) }),
};

/** A claim, or a namespace, with which all claims in it go. */
function holdsData({ kind }: DeliveredObject): boolean {
  return kind === 'PersistentVolumeClaim' || kind === 'Namespace';
}
