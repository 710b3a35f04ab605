import { compose } from '../../lib/pods/compose';
import type { ComposedPod } from '../../lib/pods/composed-pod';
import type { PodFragment, PodLayers } from '../../lib/pods/pod-fragment';

/** The least that a pod needs. */
export const MINIMAL: PodFragment = { source: 'the test', containerName: 'main', image: 'example.com/image:1' };

/** Composes layers, with the least that a pod needs in the lowest one. */
export function composeLayers({ runtime = [], devicePlugin = [], preset = [], platform = [], props = [] }: Partial<PodLayers>): ComposedPod {
  return compose({ runtime: [MINIMAL, ...runtime], devicePlugin, preset, platform, props });
}
