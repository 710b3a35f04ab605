import { fault, type Fault, type Place } from './fault';

/** What a value is like, and what is done about one that is not. */
export interface Conformed {
  readonly value: unknown;
  /** Values that are no strings where Kubernetes takes only strings. */
  readonly notText: readonly Fault[];
  /** Values of another kind than Kubernetes knows in their place. */
  readonly notFitting: readonly Fault[];
}

/** What a value has to be like in a place. */
export interface Shape {
  /** Whether a value conforms as it is. Nearly all do, so this is asked first. */
  readonly fits: (value: unknown) => boolean;
  /** A value which conforms: scalars become strings where strings are due, what does not fit is left out. */
  readonly conform: (value: unknown, place: Place) => Conformed;
}

const FITS = { notText: [], notFitting: [] };

/** A string. Numbers and booleans are YAML's reading of a text without quotes. */
export const text: Shape = {
  fits: (value) => typeof value === 'string',
  conform: (value, place) => {
    if (typeof value === 'string') {
      return { value, ...FITS };
    }
    if (typeof value === 'object' || value === undefined) {
      return wrong('a string', value, place);
    }
    const given = JSON.stringify(value);
    return { value: given, notFitting: [], notText: [fault(`${dotted(place)} must be a string, got the ${typeof value} ${given}; put it in quotes`, ...place)] };
  },
};

/** A string or a number, as quantities and ports are. */
export const scalar: Shape = plain('a string or a number', (value) => typeof value === 'string' || typeof value === 'number');

/** A number. */
export const number: Shape = plain('a number', (value) => typeof value === 'number');

function plain(expected: string, fits: (value: unknown) => boolean): Shape {
  return { fits, conform: (value, place) => fits(value) ? { value, ...FITS } : wrong(expected, value, place) };
}

/** A list of values of one shape; an entry that does not fit stays as an empty one, so that the others keep their places. */
export function list(entry: Shape, empty: unknown): Shape {
  return {
    fits: (value) => Array.isArray(value) && value.every(entry.fits),
    conform: (value, place) => {
      if (!Array.isArray(value)) {
        return wrong('a list', value, place);
      }
      return joined(value, value.map((item: unknown, index) => entry.conform(item, [...place, index])), (all) => all.map((item) => item ?? empty));
    },
  };
}

/** A map whose values have one shape; an entry that does not fit is left out. */
export function map(entry: Shape): Shape {
  return {
    fits: (value) => isMap(value) && Object.keys(value).every((key) => entry.fits(value[key])),
    conform: (value, place) => {
      if (!isMap(value)) {
        return wrong('a map', value, place);
      }
      const keys = Object.keys(value);
      return joined(value, keys.map((key) => entry.conform(value[key], [...place, key])), (all) => (
        Object.fromEntries(keys.map((key, index): [string, unknown] => [key, all[index]]).filter(([, item]) => item !== undefined))));
    },
  };
}

/** A map with known fields; others are not looked at. Required ones are given with what stands for them when they are missing. */
export function fields(known: Readonly<Record<string, Shape>>, required: Readonly<Record<string, unknown>> = {}): Shape {
  const shapes = Object.entries(known);
  const needed = Object.keys(required);
  return {
    fits: (value) => isMap(value) && needed.every((name) => value[name] !== undefined)
      && shapes.every(([name, shape]) => value[name] === undefined || shape.fits(value[name])),
    conform: (value, place) => {
      if (!isMap(value)) {
        return wrong('a map', value, place);
      }
      const present = shapes.filter(([name]) => value[name] !== undefined);
      const parts = present.map(([name, shape]) => shape.conform(value[name], [...place, name]));
      const missing = needed.filter((name) => value[name] === undefined)
        .map((name) => ({ value: undefined, notText: [], notFitting: [fault(`${dotted([...place, name])} is missing`, ...place)] }));
      return joined(value, [...parts, ...missing], (all) => (
        { ...required, ...value, ...Object.fromEntries(present.map(([name], index) => [name, all[index] ?? required[name]])) }));
    },
  };
}

/** Keys as people write them: `spec.containers[0].env`. */
export function dotted(place: Place): string {
  return place.map((key) => typeof key === 'number' ? `[${String(key)}]` : /^[\w-]+$/.test(key) ? `.${key}` : `['${key}']`).join('').replace(/^\./, '');
}

/** A value without the nulls in its maps: to Kubernetes they are fields that were not set. */
export function withoutNulls(value: unknown): unknown {
  if (!hasNull(value)) {
    return value;
  }
  return Array.isArray(value) ? value.map(withoutNulls)
    : isMap(value) ? Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== undefined).map(([key, item]) => [key, withoutNulls(item)])) : value;
}

/** Whether there is a null or an undefined value inside; nearly always there is none, and nothing has to be copied. */
function hasNull(value: unknown): boolean {
  if (typeof value !== 'object') {
    return value === undefined;
  }
  for (const key in value) {
    if (hasNull((value as Record<string, unknown>)[key])) {
      return true;
    }
  }
  return value === null;
}

/** Whether a value is a map with keys, neither null nor a list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A conformed whole of conformed parts; the whole itself if all its parts already conform. */
function joined(whole: unknown, parts: readonly Conformed[], build: (values: readonly unknown[]) => unknown): Conformed {
  if (parts.every(({ notText, notFitting }) => notText.length === 0 && notFitting.length === 0)) {
    return { value: whole, ...FITS };
  }
  return {
    value: build(parts.map(({ value }) => value)),
    notText: parts.flatMap(({ notText }) => notText),
    notFitting: parts.flatMap(({ notFitting }) => notFitting),
  };
}

function wrong(expected: string, value: unknown, place: Place): Conformed {
  const kind = value === null || value === undefined ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : `the ${typeof value} ${JSON.stringify(value)}`;
  return { value: undefined, notText: [], notFitting: [fault(`${dotted(place)} must be ${expected}, got ${kind}`, ...place)] };
}
