import { Accelerator } from './accelerator';

/** The processor architecture of a node, as in the label `kubernetes.io/arch`. */
export enum Architecture {
  /** x86-64 servers. */
  AMD64 = 'amd64',
  /** Kunpeng servers and the SoC products. */
  ARM64 = 'arm64',
}

/** The facts of a server product: which chips sit in it, how many, and how clusters label and schedule it. */
export interface NodeTypeProps {
  /** The product's name, unique, e.g. `Atlas 800T A2`. */
  readonly name: string;

  /** The chips it is sold with. */
  readonly accelerators: Accelerator[];

  /**
   * Devices of one node, as the device plugin counts them.
   *
   * @default - not fixed by the product: the counts are not checked against the node
   */
  readonly devicesPerNode?: number;

  /**
   * Device counts that the vendor's scheduler accepts for a pod, ascending.
   *
   * @default - every count from 1 to `devicesPerNode`
   */
  readonly podCounts?: number[];

  /**
   * Device counts that it accepts for each pod of a job over several nodes, ascending.
   *
   * @default - the same as `podCounts`
   */
  readonly distributedPodCounts?: number[];

  /**
   * Value of MindCluster's annotation `huawei.com/schedule_policy`, e.g. `chip8-node8`.
   *
   * @default - none: MindCluster picks the policy from the chip
   */
  readonly schedulePolicy?: string;

  /**
   * Value of the node label `accelerator-type` that MindCluster up to 26.0 has administrators set, e.g. `module-910b-8`.
   *
   * @default - the product needs none
   */
  readonly acceleratorType?: string;

  /**
   * Further node labels that tell the product from its neighbours, e.g. `server-usage: infer`.
   *
   * @default - none
   */
  readonly nodeLabels?: { [key: string]: string };

  /**
   * The processor architecture, where the product has only one.
   *
   * @default - both exist: the pod is not bound to an architecture
   */
  readonly architecture?: Architecture;
}

const A1 = [Accelerator.ASCEND_910A];
const A2 = [Accelerator.ASCEND_910B1, Accelerator.ASCEND_910B2, Accelerator.ASCEND_910B3];
const A2_INFERENCE = [Accelerator.ASCEND_910B4, Accelerator.ASCEND_910B4_1, ...A2];
const A3 = [Accelerator.ASCEND_910C];
const DUO = [Accelerator.ASCEND_310P_300I_DUO_48G, Accelerator.ASCEND_310P_300I_DUO_96G];
const CARDS_310P = [
  Accelerator.ASCEND_310P_300I_PRO, Accelerator.ASCEND_310P_300V, Accelerator.ASCEND_310P_300V_PRO_24G, Accelerator.ASCEND_310P_300V_PRO_48G,
];

const BOX16_COUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16];
const A3_PACKAGES = [2, 4, 6, 8, 10, 12, 14, 16];
const A3_COUNTS = [1, ...A3_PACKAGES];

/**
 * A server product: devices a node, the counts a pod may ask for, and the labels and schedule policy of its generation.
 *
 * Counts: Ascend/mind-cluster@22bb3d98 docs/zh/scheduling (15_yaml_configuration.md, 03_ascend_ai_processor_based_affinity.md) and the scheduler's code
 * (ascend-for-volcano internal/npu: 9, 11, 13 and 15 are invalid on Box16; on A3 the pods of a distributed job take whole packages of two dies, in a super
 * pod whole nodes). 3, 5, 6 and 7 on the 910A module and 3 on the half one are refused up to 7.3; the scheduler of 26.0 takes them with a policy, and the
 * documentation still lists 1, 2, 4 and 8.
 * Labels up to 26.0: the installation guide of that line (branch_v26.0.0, 01_preparing_for_installation.md).
 * `schedule_policy`: supported by the scheduler from MindCluster 7.3 (15_yaml_configuration.md, constants.go).
 */
export class NodeType {
  /** Atlas 800 (model 9000), fully equipped: 8 Ascend 910A in two rings of four; the ARM server of the line. */
  public static readonly ATLAS_800_9000 = new NodeType({
    name: 'Atlas 800 9000', accelerators: A1, devicesPerNode: 8, podCounts: [1, 2, 4, 8], schedulePolicy: 'chip4-node8', acceleratorType: 'module',
  });

  /** Atlas 800 (model 9010), fully equipped: 8 Ascend 910A in two rings of four. */
  public static readonly ATLAS_800_9010 = new NodeType({
    name: 'Atlas 800 9010', accelerators: A1, devicesPerNode: 8, podCounts: [1, 2, 4, 8], schedulePolicy: 'chip4-node8', acceleratorType: 'module',
  });

  /** Atlas 800 (9000 or 9010), half equipped: 4 Ascend 910A. */
  public static readonly ATLAS_800_HALF = new NodeType({
    name: 'Atlas 800 half', accelerators: A1, devicesPerNode: 4, podCounts: [1, 2, 4], schedulePolicy: 'chip4-node4', acceleratorType: 'half',
  });

  /** A server with two Atlas 300T training cards (Ascend 910A). */
  public static readonly ATLAS_300T_SERVER = new NodeType({
    name: 'Atlas 300T server', accelerators: A1, devicesPerNode: 2, distributedPodCounts: [2], schedulePolicy: 'chip1-node2', acceleratorType: 'card',
  });

  /** Atlas 800T A2: 8 Ascend 910B for training. */
  public static readonly ATLAS_800T_A2 = new NodeType({
    name: 'Atlas 800T A2', accelerators: A2, devicesPerNode: 8, schedulePolicy: 'chip8-node8', acceleratorType: 'module-910b-8',
  });

  /** A node of an Atlas 900 A2 PoD: 8 Ascend 910B for training. */
  public static readonly ATLAS_900_A2_POD = new NodeType({
    name: 'Atlas 900 A2 PoD', accelerators: A2, devicesPerNode: 8, schedulePolicy: 'chip8-node8', acceleratorType: 'module-910b-8',
  });

  /** Atlas 800I A2: 8 Ascend 910B for inference. */
  public static readonly ATLAS_800I_A2 = new NodeType({
    name: 'Atlas 800I A2', accelerators: A2_INFERENCE, devicesPerNode: 8, schedulePolicy: 'chip8-node8', acceleratorType: 'module-910b-8',
    nodeLabels: { 'server-usage': 'infer' },
  });

  /** Atlas 200T A2 Box16 and 200I A2 Box16: 16 Ascend 910B in two groups of eight. */
  public static readonly ATLAS_200T_A2_BOX16 = new NodeType({
    name: 'Atlas 200T A2 Box16', accelerators: A2_INFERENCE, devicesPerNode: 16, podCounts: BOX16_COUNTS, schedulePolicy: 'chip8-node16',
    acceleratorType: 'module-910b-16',
  });

  /** A node of an Atlas 900 A3 SuperPoD: 16 dies of Ascend 910C. */
  public static readonly ATLAS_900_A3_SUPERPOD = new NodeType({
    name: 'Atlas 900 A3 SuperPoD', accelerators: A3, devicesPerNode: 16, podCounts: A3_COUNTS, distributedPodCounts: [16], schedulePolicy: 'chip2-node16-sp',
    acceleratorType: 'module-a3-16-super-pod',
  });

  /** Atlas 800T A3: 16 dies of Ascend 910C for training. */
  public static readonly ATLAS_800T_A3 = new NodeType({
    name: 'Atlas 800T A3', accelerators: A3, devicesPerNode: 16, podCounts: A3_COUNTS, distributedPodCounts: A3_PACKAGES, schedulePolicy: 'chip2-node16',
    acceleratorType: 'module-a3-16',
  });

  /** Atlas 800I A3: 16 dies of Ascend 910C for inference. */
  public static readonly ATLAS_800I_A3 = new NodeType({
    name: 'Atlas 800I A3', accelerators: A3, devicesPerNode: 16, podCounts: A3_COUNTS, distributedPodCounts: A3_PACKAGES, schedulePolicy: 'chip2-node16',
    acceleratorType: 'module-a3-16', nodeLabels: { 'server-usage': 'infer' },
  });

  /** A server with Atlas 300I Duo cards, two Ascend 310P a card; four cards are common, so 8 devices. */
  public static readonly ATLAS_300I_DUO_SERVER = new NodeType({
    name: 'Atlas 300I Duo server', accelerators: DUO, devicesPerNode: 8,
  });

  /** A server with Atlas 300I Pro, 300V or 300V Pro cards (Ascend 310P); the scheduler's limit is 64 a node (ascend-for-volcano factory.go). */
  public static readonly ATLAS_310P_CARD_SERVER = new NodeType({
    name: 'Atlas 300I Pro / 300V / 300V Pro server', accelerators: CARDS_310P,
  });

  /** A server with Atlas 300I cards: four Ascend 310 a card, up to eight cards in an Atlas 800 (model 3000). */
  public static readonly ATLAS_300I_SERVER = new NodeType({
    name: 'Atlas 300I server', accelerators: [Accelerator.ASCEND_310],
  });

  /** Atlas 200I SoC A1: an ARM system on chip with one Ascend 310P. */
  public static readonly ATLAS_200I_SOC_A1 = new NodeType({
    name: 'Atlas 200I SoC A1', accelerators: [Accelerator.ASCEND_310P_200I_SOC], devicesPerNode: 1, architecture: Architecture.ARM64,
    nodeLabels: { servertype: 'soc' },
  });

  /** A server with MLU370-S4 cards. */
  public static readonly MLU370_S4_SERVER = new NodeType({ name: 'MLU370-S4 server', accelerators: [Accelerator.MLU370_S4] });
  /** A server with MLU370-X4 cards. */
  public static readonly MLU370_X4_SERVER = new NodeType({ name: 'MLU370-X4 server', accelerators: [Accelerator.MLU370_X4] });
  /**
   * A server with eight MLU370-X8 cards, so 16 devices if a card counts as two (inferred, see `Accelerator.MLU370_X8`);
   * eight cards: trade press, no datasheet found.
   */
  public static readonly MLU370_X8_SERVER = new NodeType({ name: 'MLU370-X8 server', accelerators: [Accelerator.MLU370_X8], devicesPerNode: 16 });

  /** A server with one SC7 HP75 card: 3 BM1684X (sophgo/mcu@00d952af BoardType.md). */
  public static readonly SC7_HP75_SERVER = new NodeType({ name: 'SC7 HP75 server', accelerators: [Accelerator.BM1684X], devicesPerNode: 3 });
  /** A server with one SC7 FP150 card: 6 BM1684X (sophgo/mcu@00d952af BoardType.md). */
  public static readonly SC7_FP150_SERVER = new NodeType({ name: 'SC7 FP150 server', accelerators: [Accelerator.BM1684X], devicesPerNode: 6 });
  /** A server with one SC7 224T card: 8 BM1684X (sophgo/mcu@00d952af BoardType.md). */
  public static readonly SC7_224T_SERVER = new NodeType({ name: 'SC7 224T server', accelerators: [Accelerator.BM1684X], devicesPerNode: 8 });
  /** SE7 micro server: a system on chip with one BM1684X, ARM. */
  public static readonly SE7 = new NodeType({
    name: 'SE7', accelerators: [Accelerator.BM1684X], devicesPerNode: 1, architecture: Architecture.ARM64,
  });

  /**
   * A server product that the catalogue lacks.
   *
   * @throws if the name is empty, no chip is given, or a count is not a whole number from 1 to `devicesPerNode`
   */
  public static custom(props: NodeTypeProps): NodeType {
    return new NodeType(props);
  }

  /** Every product of the catalogue. */
  public static all(): NodeType[] {
    return Object.values(NodeType).filter((value): value is NodeType => value instanceof NodeType);
  }

  /** The product's name. */
  public readonly name: string;
  /** Devices of one node, where the product fixes them. */
  public readonly devicesPerNode?: number;
  /** MindCluster's `huawei.com/schedule_policy`, where the product has one. */
  public readonly schedulePolicy?: string;
  /** MindCluster's node label `accelerator-type` up to 26.0, where the product has one. */
  public readonly acceleratorType?: string;
  /** The processor architecture, where the product has only one. */
  public readonly architecture?: Architecture;
  private readonly props: NodeTypeProps;

  private constructor(props: NodeTypeProps) {
    if (props.name.trim() === '' || props.accelerators.length === 0) {
      throw new Error(`a node type needs a 'name' and at least one of 'accelerators', got '${props.name}' and ${String(props.accelerators.length)} accelerators`);
    }
    checkCounts(props);
    this.name = props.name;
    this.devicesPerNode = props.devicesPerNode;
    this.schedulePolicy = props.schedulePolicy;
    this.acceleratorType = props.acceleratorType;
    this.architecture = props.architecture;
    this.props = structuredCopy(props);
  }

  /** The chips it is sold with; a copy. */
  public get accelerators(): Accelerator[] {
    return [...this.props.accelerators];
  }

  /** Node labels that tell the product from its neighbours; a copy. */
  public get nodeLabels(): { [key: string]: string } {
    return { ...this.props.nodeLabels };
  }

  /** The device counts that a pod of a job over `nodes` nodes may ask for, or undefined where any count is legal. */
  public podCounts(nodes: number): number[] | undefined {
    const { podCounts, distributedPodCounts, devicesPerNode } = this.props;
    const counts = nodes > 1 ? distributedPodCounts ?? podCounts : podCounts;
    if (counts !== undefined) {
      return [...counts];
    }
    return devicesPerNode === undefined ? undefined : Array.from({ length: devicesPerNode }, (_, index) => index + 1);
  }

  /** Whether the product is sold with a chip; chips are compared by name. */
  public has(accelerator: Accelerator): boolean {
    return this.props.accelerators.some(({ name }) => name === accelerator.name);
  }

  /** The product's name. */
  public toString(): string {
    return this.name;
  }
}

/** The caller may go on changing the arrays that he passed. */
function structuredCopy(props: NodeTypeProps): NodeTypeProps {
  return {
    ...props,
    accelerators: [...props.accelerators],
    nodeLabels: { ...props.nodeLabels },
    ...(props.podCounts && { podCounts: [...props.podCounts] }),
    ...(props.distributedPodCounts && { distributedPodCounts: [...props.distributedPodCounts] }),
  };
}

function checkCounts({ name, devicesPerNode, podCounts, distributedPodCounts }: NodeTypeProps): void {
  if (devicesPerNode !== undefined && !(Number.isInteger(devicesPerNode) && devicesPerNode >= 1)) {
    throw new Error(`'devicesPerNode' of node type '${name}' must be a whole number from 1, got ${String(devicesPerNode)}`);
  }
  for (const [prop, counts] of Object.entries({ podCounts, distributedPodCounts })) {
    const wrong = counts?.find((count) => !Number.isInteger(count) || count < 1 || count > (devicesPerNode ?? Infinity));
    if (wrong !== undefined || counts?.length === 0) {
      throw new Error(`'${prop}' of node type '${name}' must be whole numbers from 1${devicesPerNode === undefined ? '' : ` to ${String(devicesPerNode)}`}, got ${wrong === undefined ? 'none' : String(wrong)}`);
    }
  }
}
