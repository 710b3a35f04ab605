import { Size } from 'cdk8s';

import { Dtype } from './dtype';

/** Who makes a chip. */
export enum Vendor {
  /** Ascend chips. */
  HUAWEI = 'huawei',
  /** MLU cards. */
  CAMBRICON = 'cambricon',
  /** BM TPUs. */
  SOPHGO = 'sophgo',
}

/** The facts of a chip. Nothing here depends on the server it sits in or on how a cluster hands it out. */
export interface AcceleratorProps {
  /** The chip's name, unique, e.g. `Ascend910B3`. It appears in errors and in the README's table. */
  readonly name: string;

  /** Who makes it. */
  readonly vendor: Vendor;

  /**
   * The generation that device plugins and operators tell apart: `910A`, `910B`, `910C`, `310P`, `310`, `MLU370`, `MLU590`, `BM1684X`.
   * A custom chip that behaves like one of these names the same series.
   */
  readonly series: string;

  /** The precisions it computes in. */
  readonly dtypes: Dtype[];

  /**
   * Memory of one device, as a pod counts devices.
   *
   * @default - unknown: workloads on it must say `deviceMemory` or `skipMemoryCheck`
   */
  readonly deviceMemory?: Size;

  /**
   * Names of the runtimes that really support it, e.g. `mindformers`.
   *
   * @default - none
   */
  readonly runtimes?: string[];

  /**
   * The card it is sold on, where device plugins treat cards of one chip differently: `300I Pro`, `300V`, `300V Pro`, `300I Duo`.
   *
   * @default - the chip is named by its series alone
   */
  readonly card?: string;

  /**
   * The name by which the HAMi device plugin for Ascend knows it, after `huawei.com/`.
   *
   * @default - HAMi does not know it
   */
  readonly hamiName?: string;
}

const ASCEND_DTYPES = [Dtype.FLOAT32, Dtype.FLOAT16, Dtype.INT8];
const ASCEND_BF16_DTYPES = [...ASCEND_DTYPES, Dtype.BFLOAT16];
const MLU_DTYPES = [Dtype.FLOAT32, Dtype.FLOAT16, Dtype.INT8];

function ascend910b(name: string, gibibytes: number, hamiName?: string): AcceleratorProps {
  return {
    name: `Ascend${name}`, vendor: Vendor.HUAWEI, series: '910B', dtypes: ASCEND_BF16_DTYPES,
    deviceMemory: Size.gibibytes(gibibytes), runtimes: ['mindformers', 'atb-models', 'mindie', 'torch-npu'], ...(hamiName !== undefined && { hamiName }),
  };
}

function ascend310p(card: string, gibibytes?: number, variant = ''): AcceleratorProps {
  return {
    name: `Ascend310P ${card}${variant}`, vendor: Vendor.HUAWEI, series: '310P', card, dtypes: ASCEND_DTYPES,
    runtimes: ['atb-models', ...(card === '300I Duo' ? ['mindie'] : [])], hamiName: 'Ascend310P', ...(gibibytes !== undefined && { deviceMemory: Size.gibibytes(gibibytes) }),
  };
}

function mlu370(card: string, gibibytes?: number): AcceleratorProps {
  return {
    name: `MLU370-${card}`, vendor: Vendor.CAMBRICON, series: 'MLU370', card, dtypes: MLU_DTYPES,
    runtimes: ['cambricon-pytorch'], ...(gibibytes !== undefined && { deviceMemory: Size.gibibytes(gibibytes) }),
  };
}

/**
 * A chip: what it computes in, how much memory one device has and which runtimes support it.
 *
 * The catalogue holds what has a source. Where memory is missing no source was found, and a workload on that chip has to
 * give `deviceMemory`. A chip that is not here is `Accelerator.custom({...})`.
 *
 * Memory of the Ascend 910 family: HAMi's device ConfigMap (Project-HAMi/HAMi@4707fb02 charts/hami/templates/scheduler/device-configmap.yaml),
 * and the product names `Atlas 800 A2 (64G x 8)` and `Atlas 800 A3 (64G x 16)` in vllm-project/vllm-ascend@182b75ea docs. Only the A2 generation
 * and later compute in bfloat16.
 */
export class Accelerator {
  /** Ascend 910A, 32 GiB. No bfloat16, no ATB kernels (they accept SoC 200-203 and 220-224 only, ModelLink@839b2483). */
  public static readonly ASCEND_910A = new Accelerator({
    name: 'Ascend910A', vendor: Vendor.HUAWEI, series: '910A', dtypes: ASCEND_DTYPES, deviceMemory: Size.gibibytes(32),
    runtimes: ['mindformers'], hamiName: 'Ascend910A',
  });

  /** Ascend 910B1, 64 GiB. HAMi has no entry for it; the memory is that of its product line. */
  public static readonly ASCEND_910B1 = new Accelerator(ascend910b('910B1', 64));
  /** Ascend 910B2, 64 GiB. */
  public static readonly ASCEND_910B2 = new Accelerator(ascend910b('910B2', 64, 'Ascend910B2'));
  /** Ascend 910B3, 64 GiB. */
  public static readonly ASCEND_910B3 = new Accelerator(ascend910b('910B3', 64, 'Ascend910B3'));
  /** Ascend 910B4, 32 GiB. */
  public static readonly ASCEND_910B4 = new Accelerator(ascend910b('910B4', 32, 'Ascend910B4'));
  /** Ascend 910B4-1, 64 GiB. */
  public static readonly ASCEND_910B4_1 = new Accelerator(ascend910b('910B4-1', 64, 'Ascend910B4-1'));

  /** Ascend 910C (A3): one device is one die of the package, 64 GiB. */
  public static readonly ASCEND_910C = new Accelerator({
    name: 'Ascend910C', vendor: Vendor.HUAWEI, series: '910C', dtypes: ASCEND_BF16_DTYPES, deviceMemory: Size.gibibytes(64),
    runtimes: ['mindie'], hamiName: 'Ascend910C',
  });

  /** Ascend 310P on an Atlas 300I Pro: 24 GiB, inferred from HAMi's entry for the 310P3 chip. */
  public static readonly ASCEND_310P_300I_PRO = new Accelerator(ascend310p('300I Pro', 24));
  /** Ascend 310P on an Atlas 300V: no source for its memory. */
  public static readonly ASCEND_310P_300V = new Accelerator(ascend310p('300V'));
  /** Ascend 310P on an Atlas 300V Pro with 24 GiB (Ascend/mind-cluster docs, virtual instance description). */
  public static readonly ASCEND_310P_300V_PRO_24G = new Accelerator(ascend310p('300V Pro', 24, ' 24G'));
  /** Ascend 310P on an Atlas 300V Pro with 48 GiB (Ascend/mind-cluster docs, virtual instance description). */
  public static readonly ASCEND_310P_300V_PRO_48G = new Accelerator(ascend310p('300V Pro', 48, ' 48G'));
  /** Ascend 310P on an Atlas 300I Duo with 48 GiB a card: two chips of 24 GiB (community catalogue FlyTOmeLight/llm-cal@ca137f6). */
  public static readonly ASCEND_310P_300I_DUO_48G = new Accelerator(ascend310p('300I Duo', 24, ' 48G'));
  /** Ascend 310P on an Atlas 300I Duo with 96 GiB a card: two chips of 48 GiB (community catalogue FlyTOmeLight/llm-cal@ca137f6). */
  public static readonly ASCEND_310P_300I_DUO_96G = new Accelerator(ascend310p('300I Duo', 48, ' 96G'));

  /** Ascend 310P of an Atlas 200I SoC A1: no source for its memory. */
  public static readonly ASCEND_310P_200I_SOC = new Accelerator(ascend310p('200I SoC'));

  /** Ascend 310 on an Atlas 300I (four a card): no source for its memory, and no runtime of this library supports it. */
  public static readonly ASCEND_310 = new Accelerator({
    name: 'Ascend310', vendor: Vendor.HUAWEI, series: '310', dtypes: [Dtype.FLOAT16, Dtype.INT8],
  });

  /** Cambricon MLU370-S4: no direct source for its memory. */
  public static readonly MLU370_S4 = new Accelerator(mlu370('S4'));
  /** Cambricon MLU370-X4: 24 GiB (community catalogue). */
  public static readonly MLU370_X4 = new Accelerator(mlu370('X4', 24));
  /**
   * Cambricon MLU370-X8: a card of 48 GiB with two chips, so 24 GiB a device. That the device plugin counts one card as two
   * devices is inferred from how it groups devices by board (Cambricon/cambricon-k8s-device-plugin@3c9ed24d pkg/allocator/board.go).
   */
  public static readonly MLU370_X8 = new Accelerator(mlu370('X8', 24));

  /** Cambricon MLU590: sources disagree on its memory (80 or 96 GB), and no runtime of this library lists it. */
  public static readonly MLU590 = new Accelerator({
    name: 'MLU590', vendor: Vendor.CAMBRICON, series: 'MLU590', dtypes: [...MLU_DTYPES, Dtype.BFLOAT16],
  });

  /** Sophgo BM1684X: 16 GiB a chip (SE7 specification sheets in sophgo/sophon-tools@e32247d5). */
  public static readonly BM1684X = new Accelerator({
    name: 'BM1684X', vendor: Vendor.SOPHGO, series: 'BM1684X', dtypes: [Dtype.FLOAT16, Dtype.INT8, Dtype.INT4],
    deviceMemory: Size.gibibytes(16), runtimes: ['sophon'],
  });

  /**
   * A chip that the catalogue lacks.
   *
   * @throws if a name is empty, no dtype is given or the memory is not positive
   */
  public static custom(props: AcceleratorProps): Accelerator {
    return new Accelerator(props);
  }

  /** Every chip of the catalogue. */
  public static all(): Accelerator[] {
    return Object.values(Accelerator).filter((value): value is Accelerator => value instanceof Accelerator);
  }

  /** The chip's name. */
  public readonly name: string;
  /** Who makes it. */
  public readonly vendor: Vendor;
  /** The generation that device plugins tell apart. */
  public readonly series: string;
  /** Memory of one device, where a source tells. */
  public readonly deviceMemory?: Size;
  /** The card it is sold on, where that matters. */
  public readonly card?: string;
  /** Its name under HAMi, after `huawei.com/`. */
  public readonly hamiName?: string;
  private readonly dtypeSet: ReadonlySet<Dtype>;
  private readonly runtimeSet: ReadonlySet<string>;

  private constructor(props: AcceleratorProps) {
    if (props.name.trim() === '' || props.series.trim() === '') {
      throw new Error(`an accelerator needs a 'name' and a 'series', got '${props.name}' and '${props.series}'`);
    }
    if (props.dtypes.length === 0) {
      throw new Error(`accelerator '${props.name}' needs at least one dtype, got none; float16 is what most chips compute in`);
    }
    if (props.deviceMemory !== undefined && props.deviceMemory.toKibibytes() <= 0) {
      throw new Error(`'deviceMemory' of accelerator '${props.name}' must be positive, got ${props.deviceMemory.asString()}`);
    }
    this.name = props.name;
    this.vendor = props.vendor;
    this.series = props.series;
    this.deviceMemory = props.deviceMemory;
    this.card = props.card;
    this.hamiName = props.hamiName;
    this.dtypeSet = new Set(props.dtypes);
    this.runtimeSet = new Set(props.runtimes ?? []);
  }

  /** The precisions it computes in; a copy. */
  public get dtypes(): Dtype[] {
    return [...this.dtypeSet];
  }

  /** Names of the runtimes that support it; a copy. */
  public get runtimes(): string[] {
    return [...this.runtimeSet];
  }

  /** The chip's name. */
  public toString(): string {
    return this.name;
  }
}
