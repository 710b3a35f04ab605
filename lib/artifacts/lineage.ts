import { createHash } from 'node:crypto';

/** Plain data that defines a result. */
export type LineageValue = string | number | boolean | undefined | readonly LineageValue[] | { readonly [key: string]: LineageValue };

/**
 * A digest of what defines a result: ten hexadecimal digits. Keys are sorted and undefined ones left out, so that neither the order
 * of props nor an unset option changes it.
 */
export function lineage(definition: LineageValue): string {
  return digest(definition, 10);
}

/** The first `length` hexadecimal digits of the SHA-256 of plain data in canonical form. */
export function digest(value: unknown, length: number): string {
  return createHash('sha256').update(JSON.stringify(canonical(value ?? null))).digest('hex').slice(0, length);
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(canonical);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]));
}
