/** Every leaf of plain JSON by its dotted path, sorted. A list of plain values is one leaf, as is what is empty; keys that are no words stand in brackets. */
export function dottedPaths(value: unknown, path = ''): Record<string, unknown> {
  const isLeaf = typeof value !== 'object' || value === null || Object.keys(value).length === 0
    || (Array.isArray(value) && value.every((item) => typeof item !== 'object'));
  if (isLeaf) {
    return { [path]: value };
  }
  const leaves = Object.entries(value).flatMap(([key, item]) => Object.entries(dottedPaths(item, member(path, key))));
  return Object.fromEntries(leaves.sort(([a], [b]) => a < b ? -1 : 1));
}

/** The leaves as lines `path: JSON`, with every digest in them replaced by `<digest>`. */
export function dottedLines(value: unknown): string[] {
  return Object.entries(dottedPaths(value)).map(([path, leaf]) => `${path}: ${JSON.stringify(leaf)}`.replace(/\b([0-9a-f]{8}|[0-9a-f]{10})\b/g, '<digest>'));
}

function member(path: string, key: string): string {
  const dot = path === '' ? '' : '.';
  return /^[A-Za-z]\w*$/.test(key) ? `${path}${dot}${key}` : `${path}[${key}]`;
}
