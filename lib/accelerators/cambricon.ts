import { Vendor } from './accelerator';
import { checkCount, checkSingle, type DeviceDialect, type DeviceRequest } from './device-dialect';

/** The `--mode` that Cambricon's device plugin runs in. */
export class CambriconMode {
  /** Whole devices (`default`). */
  public static readonly DEFAULT = new CambriconMode('default', '');
  /** Whole devices, picked by MLU-Link topology (`topology-aware`). */
  public static readonly TOPOLOGY_AWARE = new CambriconMode('topology-aware', '');
  /** Devices shared by several containers without isolation (`env-share`): the resource ends in `.share`. */
  public static readonly ENV_SHARE = new CambriconMode('env-share', '.share');

  /**
   * Hardware slices (`mim`): the resource ends in `.mim-<profile>`.
   *
   * @param profile as `cnmon` prints it, e.g. `2m.8gb`; a `+` becomes `-`
   * @throws if the profile is not of that form
   */
  public static mim(profile: string): CambriconMode {
    if (!/^\d+m\.\d+gb([+-][a-z0-9.]+)*$/.test(profile)) {
      throw new Error(`a MIM profile looks like '2m.8gb', got '${profile}'`);
    }
    return new CambriconMode('mim', `.mim-${profile.replace(/\+/g, '-')}`, Number(/\.(\d+)gb/.exec(profile)?.[1]));
  }

  private constructor(
    /** The plugin's name of the mode. */
    public readonly name: string,
    /** What the resource name ends in. */
    public readonly suffix: string,
    /** Memory of a slice in GiB, where the mode slices. */
    public readonly sliceGibibytes?: number,
  ) {}
}

/** Options of `DevicePlugin.cambricon`. */
export interface CambriconOptions {
  /**
   * The `--mode` of the plugin.
   *
   * @default CambriconMode.DEFAULT
   */
  readonly mode?: CambriconMode;

  /**
   * Whether the plugin runs with `--enable-device-type`, so that the resource is `cambricon.com/mlu370` and not `cambricon.com/mlu`.
   * The plugin's code says false, but its DaemonSet, static pod and Helm chart all switch it on.
   *
   * @default true
   */
  readonly deviceType?: boolean;

  /**
   * Whether the plugin runs with `--node-label`, so that nodes carry the label `Model`; pods then select their exact card.
   *
   * @default false
   */
  readonly nodeLabel?: boolean;
}

/** Cambricon's device plugin v2 (Cambricon/cambricon-k8s-device-plugin@3c9ed24d pkg/mlu/server.go, options.go, pkg/nodeLabel). It injects devices, so the pod needs nothing but the resource. */
export function cambricon(options: CambriconOptions = {}): DeviceDialect {
  const mode = options.mode ?? CambriconMode.DEFAULT;
  return {
    name: `Cambricon ${mode.name}`,
    sliceBytes: () => mode.sliceGibibytes && mode.sliceGibibytes * 2 ** 30,
    names: ({ vendor }) => vendor === Vendor.CAMBRICON,
    toFragment: (request) => {
      checkMode(request, mode);
      const base = options.deviceType === false ? 'mlu' : request.accelerator.series.toLowerCase();
      return {
        devices: { [`cambricon.com/${base}${mode.suffix}`]: request.devices },
        ...(options.nodeLabel === true && { nodeSelector: { Model: request.accelerator.name } }),
      };
    },
  };
}

function checkMode(request: DeviceRequest, mode: CambriconMode): void {
  if (mode.suffix === '') {
    checkCount(request);
  } else {
    checkSingle(request, `mode '${mode.name}'`, 'several shares or slices of one container may lie on one card');
  }
}
