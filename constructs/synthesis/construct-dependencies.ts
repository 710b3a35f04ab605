import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

/** What depends on what: the first comes after the second. */
export type Dependency = readonly [source: IConstruct, target: IConstruct];

/**
 * The dependencies of an app's constructs: those that were said, between charts those that follow from them, and from a chart to charts right below it.
 * The constructs stay as they are.
 */
export class ConstructDependencies {
  /** Whether some chart depends on another. cdk8s then numbers the files. */
  public readonly betweenCharts: boolean;

  private readonly targets = new Map<IConstruct, Set<IConstruct>>();
  private readonly objects = new Map<IConstruct, ReadonlySet<ApiObject>>();

  /**
   * @throws if a dependency leads to or from what is in no chart
   */
  public constructor(app: IConstruct) {
    const all = app.node.findAll();
    all.forEach((construct) => { this.add(construct, construct.node.dependencies); });
    const nested = nestedCharts(all);
    nested.forEach(([parent, child]) => { this.add(parent, [child]); });
    const between = this.of(all).map(([source, target]) => [Chart.of(source), Chart.of(target)] as const).filter(([source, target]) => source !== target);
    between.forEach(([source, target]) => { this.add(source, [target]); });
    this.betweenCharts = nested.length + between.length > 0;
  }

  /** The dependencies of some constructs, in their order. */
  public of(constructs: readonly IConstruct[]): Dependency[] {
    return this.targets.size === 0 ? [] : constructs.flatMap((source) => this.targetsOf(source).map((target): Dependency => [source, target]));
  }

  /** What a construct depends on itself. */
  public targetsOf(construct: IConstruct): IConstruct[] {
    const targets = this.targets.get(construct);
    return targets === undefined ? [] : [...targets];
  }

  /** The objects that a construct stands for where it is an end of a dependency: those below it that are in its chart. */
  public objectsOf(construct: IConstruct): ReadonlySet<ApiObject> {
    const known = this.objects.get(construct);
    if (known !== undefined) {
      return known;
    }
    const chart = Chart.of(construct);
    const found = new Set(construct.node.findAll().filter((candidate) => ApiObject.isApiObject(candidate)).filter((object) => Chart.of(object) === chart));
    this.objects.set(construct, found);
    return found;
  }

  private add(source: IConstruct, targets: readonly IConstruct[]): void {
    if (targets.length > 0) {
      const known = this.targets.get(source) ?? new Set<IConstruct>();
      targets.forEach((target) => known.add(target));
      this.targets.set(source, known);
    }
  }
}

function nestedCharts(all: readonly IConstruct[]): Dependency[] {
  return all.filter((construct) => Chart.isChart(construct))
    .flatMap((parent) => parent.node.children.filter((child) => Chart.isChart(child)).map((child): Dependency => [parent, child]));
}
