import { type Accelerator } from '../accelerators/accelerator';
import type { PodFragment } from '../pods/pod-fragment';

/** One variable of an env preset. */
export interface EnvVariable {
  /** The variable's value; literal, never expanded. */
  readonly value: string;
  /** What it does, for people who read the preset. */
  readonly purpose: string;

  /**
   * The chip series that the variable is for, e.g. `310P`; on other chips of the preset it is left out.
   *
   * @default - every series that the preset fits
   */
  readonly onlyOnSeries?: string[];
}

/** What an env preset is made of. */
export interface EnvPresetProps {
  /** The preset's name, for errors. */
  readonly name: string;
  /** The variables by name. */
  readonly variables: { [name: string]: EnvVariable };

  /**
   * The chip series that the preset fits, e.g. `910A`, `910B`.
   *
   * @default - every chip
   */
  readonly series?: string[];
}

/**
 * A named, immutable set of environment variables with a purpose each. Presets are composed by listing several; two that
 * disagree about a variable are an error that names both.
 */
export class EnvPreset {
  /**
   * A preset of your own. Any variable is allowed in it.
   *
   * @throws if a name is not a legal environment variable
   */
  public static custom(props: EnvPresetProps): EnvPreset {
    return new EnvPreset(props, undefined);
  }

  /** @internal */
  public static _catalogued(props: EnvPresetProps, known: readonly string[]): EnvPreset {
    return new EnvPreset(props, new Set(known));
  }

  /** The preset's name. */
  public readonly name: string;
  private readonly props: EnvPresetProps;

  private constructor(props: EnvPresetProps, private readonly known: ReadonlySet<string> | undefined) {
    const wrong = Object.keys(props.variables).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
    if (wrong !== undefined) {
      throw new Error(`env preset '${props.name}' has a variable '${wrong}': a name has letters, digits and '_' only and does not start with a digit`);
    }
    this.name = props.name;
    this.props = structuredClone(props);
  }

  /** The variables by name; a copy. */
  public get variables(): { [name: string]: EnvVariable } {
    return structuredClone(this.props.variables);
  }

  /** The chip series it fits, or undefined for every chip; a copy. */
  public get series(): string[] | undefined {
    return this.props.series && [...this.props.series];
  }

  /** Whether the preset is made for the chip. */
  public fits(accelerator: Accelerator): boolean {
    return this.props.series?.includes(accelerator.series) ?? true;
  }

  /**
   * The same preset with other values. A catalogued preset takes only variables of its family; anything goes in a custom one.
   *
   * @param values new values by variable name
   * @throws if a catalogued preset does not know a variable
   */
  public with(values: { [name: string]: string }): EnvPreset {
    const unknown = Object.keys(values).find((name) => this.known?.has(name) === false);
    if (unknown !== undefined) {
      throw new Error(`env preset '${this.name}' does not know '${unknown}'; it knows ${[...this.known ?? []].join(', ')}; use EnvPreset.custom for others`);
    }
    const changed = Object.entries(values).map(([name, value]): [string, EnvVariable] => [
      name, { purpose: this.props.variables[name]?.purpose ?? 'set by the caller', value },
    ]);
    return new EnvPreset({ ...this.props, variables: { ...this.props.variables, ...Object.fromEntries(changed) } }, this.known);
  }

  /** @internal */
  public _fragment(accelerator?: Accelerator): PodFragment {
    const { series = [] } = this.props;
    if (series.length > 0 && (accelerator === undefined || !this.fits(accelerator))) {
      throw new Error(`env preset '${this.name}' is for ${series.join(', ')}, not for ${accelerator?.name ?? 'a workload without an accelerator'}`);
    }
    const variables = Object.entries(this.props.variables)
      .filter(([, { onlyOnSeries }]) => onlyOnSeries?.includes(accelerator?.series ?? '') ?? true);
    return {
      source: `env preset '${this.name}'`,
      env: variables.map(([name, { value }]) => ({ name, value })),
    };
  }
}
