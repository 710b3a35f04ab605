import { messageOf } from './bad-input';
import { dottedPaths } from './dotted-paths';

/** What one prop does: where its value stands in the manifest, or the refusal that it lifts. */
export interface PropEffect<P> {
  readonly props: Partial<P>;
  /** What else has to be said for the prop to matter; it is said without the prop too. */
  readonly given?: Partial<P>;
  /** Values, or matchers of them, by dotted path. */
  readonly reaches?: Readonly<Record<string, unknown>>;
  /** The whole message without the prop. */
  readonly lifts?: string;
}

/** One effect for each prop: a new prop does not compile until it has one. */
export type EveryProp<P> = { readonly [K in keyof Required<P>]: PropEffect<P> };

/** Tests that every prop reaches the manifest, and that the default is something else. */
export function reachManifest<P>(effects: EveryProp<P>, render: (props: Partial<P>) => unknown): void {
  test.each(Object.entries<PropEffect<P>>(effects))('%s', (_prop, { props, given = {}, reaches = {}, lifts }) => {
    expect(messageOf(() => render(given))).toBe(lifts);
    const before = lifts === undefined ? dottedPaths(render(given)) : {};
    const after = dottedPaths(render({ ...given, ...props }));
    for (const [path, value] of Object.entries(reaches)) {
      expect({ [path]: before[path] }).not.toEqual({ [path]: value });
      expect({ [path]: after[path] }).toEqual({ [path]: value });
    }
  });
}
