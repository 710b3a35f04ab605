import type { Place } from './fault';
import { isMap } from './shape';

/** The items of a `List`, or the value itself, and where they stand in it. An empty list may say no items, and those of a `PodList` that they are Pods. */
export function listedObjects(value: unknown, place: Place = []): [value: unknown, place: Place][] {
  const { apiVersion, kind, items } = isMap(value) ? value : {};
  if (kind === 'List' && (items === undefined || items === null)) {
    return [];
  }
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) {
    return [[value, place]];
  }
  const said = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.flatMap((item: unknown, index) => listedObjects(isMap(item) && item.kind === undefined ? { ...said, ...item } : item, [...place, 'items', index]));
}
