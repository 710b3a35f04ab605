import { isDeepStrictEqual } from 'node:util';

/** A value and the fragment that asked for it. */
export interface Sourced<T> {
  readonly source: string;
  readonly value: T;
}

/** One layer's wishes for one kind of thing, each with a key that must be unique in the pod. */
export type Claim<T> = Sourced<T> & { readonly key: string };

/**
 * Merges claims layer by layer. Inside a layer two claims of one key must be equal; across layers the later one wins
 * and keeps the place of the first, so that the order of a list does not jump when a value is overridden.
 *
 * @param what how an error names a claim, e.g. `environment variable`
 */
export function mergeClaims<T>(what: string, layers: readonly (readonly Claim<T>[])[]): Map<string, Sourced<T>> {
  const merged = new Map<string, Sourced<T>>();
  for (const layer of layers.filter(({ length }) => length > 0)) {
    for (const [key, claim] of mergeLayer(what, layer)) {
      merged.set(key, claim);
    }
  }
  return merged;
}

function mergeLayer<T>(what: string, layer: readonly Claim<T>[]): Map<string, Sourced<T>> {
  const seen = new Map<string, Sourced<T>>();
  for (const { key, source, value } of layer) {
    const earlier = seen.get(key);
    if (earlier !== undefined && !isDeepStrictEqual(earlier.value, value)) {
      throw new Error(`${what} '${key}' is ${show(earlier.value)} from ${earlier.source} but ${show(value)} from ${source}; `
        + 'remove one of them, or set it in the workload\'s own props, which win over both');
    }
    seen.set(key, earlier ?? { source, value });
  }
  return seen;
}

/** Environment variables by their value alone, since the error names them already. */
function show(value: unknown): string {
  const text = (value as { value?: unknown } | null)?.value ?? value;
  return typeof text === 'string' ? text : JSON.stringify(text);
}
