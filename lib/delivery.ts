import type { ArgoCdOptions, FluxOptions, KubectlOptions } from './delivery-options';

/** Options of all tools; each reads its own. */
export type DeliveryOptions = KubectlOptions & ArgoCdOptions & FluxOptions;

/** Who applies the manifests. */
export class Delivery {
  /** People or scripts, with `kubectl apply`. */
  public static readonly KUBECTL = new Delivery('kubectl', {});
  /** Argo CD, by Applications that are written by hand: the objects carry sync waves. */
  public static readonly ARGO_CD = new Delivery('argo-cd', {});
  /** Flux, from the GitRepository `flux-system`, with a Kustomization for each stage. */
  public static readonly FLUX = new Delivery('flux', {});
  /** Helm: the output folder is the `templates` folder of a chart, as with `cdk8s synth --format helm`. */
  public static readonly HELM = new Delivery('helm', {});

  /** @internal what was said about it */
  public readonly _options: DeliveryOptions;

  /** People or scripts, with `kubectl apply`, with a script that applies the stages in order. */
  public static kubectl(options: KubectlOptions = {}): Delivery {
    return new Delivery('kubectl', options);
  }

  /**
   * Argo CD.
   *
   * @throws if there is a path or another prop of Applications, but no repository, or an empty one
   */
  public static argoCd(options: ArgoCdOptions = {}): Delivery {
    if (options.repositoryUrl === '') {
      throw new Error('\'repositoryUrl\' of Delivery.argoCd must be the URL of a git repository, got \'\'');
    }
    const unused = Object.keys(options).find((name) => name !== 'stableJobNames');
    if (options.repositoryUrl === undefined && unused !== undefined) {
      throw new Error(`'${unused}' of Delivery.argoCd is for the Applications that are written when 'repositoryUrl' is given; give both or none`);
    }
    checkPath(options.path);
    return new Delivery('argo-cd', options);
  }

  /**
   * Flux.
   *
   * @throws if the path is not inside the repository, or a time is not positive
   */
  public static flux(options: FluxOptions = {}): Delivery {
    checkPath(options.path);
    for (const [name, duration] of Object.entries({ interval: options.interval, timeout: options.timeout })) {
      if (duration !== undefined && duration.toMilliseconds() < 1000) {
        throw new Error(`'${name}' of Delivery.flux must be at least a second, got ${duration.toHumanString()}`);
      }
    }
    return new Delivery('flux', options);
  }

  private constructor(
    /** `kubectl`, `argo-cd`, `flux` or `helm`. */
    public readonly name: string,
    options: DeliveryOptions,
  ) {
    this._options = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  }

  /** The tool's name. */
  public toString(): string {
    return this.name;
  }

  /** @internal whether it creates what it finds missing, a finished Job as well */
  public get _recreates(): boolean {
    return this.name !== 'kubectl';
  }

  /** @internal whether `GlmApp` writes a folder for each stage, or for each Application, instead of a file for each chart */
  public get _hasFolders(): boolean {
    return this.name === 'flux' || this._options.staged === true || this._options.repositoryUrl !== undefined;
  }

  /** @internal whether each stage has its own folder */
  public get _hasStages(): boolean {
    return this.name !== 'argo-cd';
  }
}

function checkPath(path: string | undefined): void {
  if (path?.split('/').some((part) => ['', '.', '..'].includes(part)) === true) {
    throw new Error(`'path' must be the output folder's path inside the repository, like 'dist', got '${path}'`);
  }
}
