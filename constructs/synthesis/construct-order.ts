import { ApiObject, Chart } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';

import { ConstructDependencies, type Dependency } from './construct-dependencies';
import { DepthFirst } from './depth-first';

/** Constructs that stand in one place of the order, as one vertex instead of an edge from each to each. */
type Group = ReadonlySet<IConstruct> | readonly IConstruct[] | readonly ReadonlySet<IConstruct>[];

type Vertex = IConstruct | Group;

/**
 * The order in which an app's charts and objects are written: what something depends on comes before it, else the order of the tree. It is the order
 * that cdk8s finds, in time linear in constructs and dependencies.
 */
export class ConstructOrder {
  /** Whether some chart depends on another. */
  public readonly hasDependentCharts: boolean;

  private readonly dependencies: ConstructDependencies;

  public constructor(private readonly app: IConstruct) {
    this.dependencies = new ConstructDependencies(app);
    this.hasDependentCharts = this.dependencies.betweenCharts;
  }

  /**
   * The charts, sorted.
   *
   * @throws if dependencies form a cycle
   */
  public charts(): Chart[] {
    return this.sorted(numberedFirst(this.app)).filter((construct) => Chart.isChart(construct));
  }

  /** The objects of a chart, without those of charts below it, sorted. */
  public objects(chart: Chart): ApiObject[] {
    return this.sorted(chart.node.findAll()).filter((construct) => ApiObject.isApiObject(construct)).filter((object) => Chart.of(object) === chart);
  }

  /** Depth first, from what nothing depends on, in the order of the tree. */
  private sorted(nodes: readonly IConstruct[]): readonly IConstruct[] {
    const within = new Set(nodes);
    const edges = this.dependencies.of(nodes).filter(([, target]) => within.has(target));
    if (edges.length === 0) {
      return nodes;
    }
    const depended = this.depended(edges);
    const graph = new ConstructGraph(this.dependencies, within);
    const visit = new DepthFirst((vertex: Vertex) => graph.successors(vertex), cycleError);
    nodes.filter((node) => !depended.has(node)).forEach((node) => { visit.from(node); });
    nodes.forEach((node) => { visit.from(node); }); // only a cycle has nodes that were not reached before
    return visit.order.filter(isConstruct);
  }

  /** Every construct that another one comes after. */
  private depended(edges: readonly Dependency[]): Set<IConstruct> {
    const found = new Set<IConstruct>();
    const complete = new Set<ReadonlySet<ApiObject>>();
    for (const [source, target] of edges) {
      const [before, after] = [this.dependencies.objectsOf(target), this.dependencies.objectsOf(source)];
      const [first] = after;
      const alone = after.size === 1 && before.has(first!) ? first : undefined;
      const added = after.size === 0 || complete.has(before) ? [] : [...before].filter((object) => object !== alone);
      [target, ...added].forEach((construct) => found.add(construct));
      if (after.size > 0 && alone === undefined) {
        complete.add(before);
      }
    }
    return found;
  }
}

/** The edges between some of the constructs. */
class ConstructGraph {
  private readonly around = new Map<IConstruct, { readonly targets: readonly ReadonlySet<IConstruct>[]; readonly own: readonly ReadonlySet<IConstruct>[] }>();

  public constructor(private readonly dependencies: ConstructDependencies, private readonly within: ReadonlySet<IConstruct>) {}

  /** What a construct comes after: its own dependencies, then, if it is an object, those of all constructs around it up to its chart. */
  public *successors(vertex: Vertex): Generator<Vertex> {
    yield* isConstruct(vertex) ? this.targetsOf(vertex) : vertex as Iterable<Vertex>;
    if (ApiObject.isApiObject(vertex)) {
      const { scopes } = vertex.node;
      yield* scopes.slice(scopes.indexOf(Chart.of(vertex))).flatMap((scope) => this.groupsOf(scope, vertex));
    }
  }

  private targetsOf(construct: IConstruct): IConstruct[] {
    return this.dependencies.targetsOf(construct).filter((target) => this.within.has(target));
  }

  /** One group for all objects of the scope; an object that is itself among the targets comes after the others only. */
  private groupsOf(scope: IConstruct, object: ApiObject): Group[] {
    const known = this.around.get(scope) ?? this.describe(scope);
    this.around.set(scope, known);
    const { targets, own } = known;
    return own.some((group) => group.has(object))
      ? targets.map((group) => group.has(object) ? [...group].filter((member) => member !== object) : group)
      : [targets];
  }

  /** Only targets in the scope's own chart can hold one of its objects. */
  private describe(scope: IConstruct): { targets: ReadonlySet<IConstruct>[]; own: ReadonlySet<IConstruct>[] } {
    const targets = this.targetsOf(scope);
    const own = targets.filter((target) => Chart.of(target) === Chart.of(scope));
    return { targets: targets.map((target) => this.dependencies.objectsOf(target)), own: own.map((target) => this.dependencies.objectsOf(target)) };
  }
}

function isConstruct(vertex: Vertex): vertex is IConstruct {
  return Construct.isConstruct(vertex);
}

function cycleError(cycle: readonly Vertex[]): Error {
  const paths = cycle.filter(isConstruct).map(({ node }) => node.path);
  return new Error(`dependencies form a cycle: ${[...paths, paths[0]!].join(' => ')}; remove one of them`);
}

/** cdk8s keeps constructs in a map by path, in which JavaScript puts whole numbers first. */
function numberedFirst(app: IConstruct): IConstruct[] {
  const numbered = new Set(app.node.children.filter(({ node }) => /^(0|[1-9]\d{0,9})$/.test(node.id) && Number(node.id) < 2 ** 32 - 1));
  return [...numbered, ...app.node.findAll().filter((construct) => !numbered.has(construct))];
}
