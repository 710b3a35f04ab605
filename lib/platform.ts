import type { IConstruct } from 'constructs';

import type { Accelerator } from './accelerators/accelerator';
import type { DevicePlugin } from './accelerators/device-plugin';
import type { NodeType } from './accelerators/node-type';
import { Delivery } from './delivery';
import type { PlatformProps } from './platform-props';
import { Scheduler } from './scheduler';
import { ScriptDelivery } from './script-delivery';

const CONTEXT_KEY = 'cdk8s-chatglm.platform';

/** What a cluster offers, found by every construct below the scope it was attached to. */
export class Platform {
  /**
   * Says for a chart, or for a whole app, what the cluster offers. It has to come before the scope's first construct.
   *
   * @throws if the scope has constructs already, or has a platform of its own
   */
  public static attach(scope: IConstruct, props: PlatformProps): Platform {
    const { path } = scope.node;
    const [place, where] = path === '' ? ['', 'the app'] : [`[${path}] `, `'${path}'`];
    if (scope.node.children.length > 0) {
      throw new Error(`${place}Platform.attach comes too late: ${where} has ${String(scope.node.children.length)} constructs already `
        + `(first '${String(scope.node.children[0]?.node.id)}'); attach the platform before creating them, and the Secrets that it names in another scope`);
    }
    if (scope.node.tryGetContext(CONTEXT_KEY) !== scope.node.scope?.node.tryGetContext(CONTEXT_KEY)) {
      throw new Error(`${place}Platform.attach was called before for ${where}; say everything in one call`);
    }
    const platform = new Platform(props);
    scope.node.setContext(CONTEXT_KEY, platform);
    return platform;
  }

  /** The platform of a construct: the nearest one that was attached above it, else one with all defaults. */
  public static of(scope: IConstruct): Platform {
    return (scope.node.tryGetContext(CONTEXT_KEY) as Platform | undefined) ?? Platform.nothingSaid;
  }

  /** It is asked for once for each object of a fleet. */
  private static readonly nothingSaid = new Platform({});

  /** What was said. */
  public readonly props: PlatformProps;
  /** Who places the pods. */
  public readonly scheduler: Scheduler;
  /** Who applies the manifests. */
  public readonly delivery: Delivery;
  /** How scripts reach the pods. */
  public readonly scriptDelivery: ScriptDelivery;

  private constructor(props: PlatformProps) {
    checkPlatform(props);
    this.props = copied(props);
    this.scheduler = props.scheduler ?? Scheduler.DEFAULT;
    this.delivery = props.delivery ?? Delivery.KUBECTL;
    this.scriptDelivery = (props.scriptDelivery ?? ScriptDelivery.configMaps())._pulledFrom(props.imageRegistry);
  }

  /**
   * The server product that a chip sits in.
   *
   * @returns undefined if the platform names no products at all
   * @throws if none or several of the platform's products have the chip
   */
  public nodeTypeOf(accelerator: Accelerator): NodeType | undefined {
    const nodeTypes = this.props.nodeTypes ?? [];
    const matching = nodeTypes.filter((nodeType) => nodeType.has(accelerator));
    if (nodeTypes.length > 0 && matching.length !== 1) {
      throw new Error(matching.length === 0
        ? `no node type of the platform has ${accelerator.name}; it has ${nodeTypes.map(String).join(', ')}`
        : `${accelerator.name} is in several node types of the platform (${matching.map(String).join(', ')}); say which one in 'nodeType'`);
    }
    return matching[0];
  }

  /**
   * The device plugin that names a chip.
   *
   * @throws if none or several of the platform's plugins can name it
   */
  public devicePluginOf(accelerator: Accelerator): DevicePlugin {
    const plugins = this.props.devicePlugins ?? [];
    const [plugin, ...others] = plugins.filter((candidate) => candidate.names(accelerator));
    if (plugin === undefined) {
      throw new Error(`no device plugin of the platform can name ${accelerator.name} (${plugins.length === 0 ? 'it has none' : `it has ${plugins.map(({ name }) => name).join(', ')}`}); `
        + 'say one in \'devicePlugin\' or in the platform\'s \'devicePlugins\'');
    }
    if (others.length > 0) {
      throw new Error(`${accelerator.name} can be named by several device plugins of the platform (${[plugin, ...others].map(({ name }) => name).join(', ')}); `
        + 'say which one in \'devicePlugin\'');
    }
    return plugin;
  }
}

/** The caller may go on changing the lists and maps that he passed. */
function copied(props: PlatformProps): PlatformProps {
  return Object.fromEntries(Object.entries(props).map(([key, value]: [string, unknown]) => [key, copy(value)]));
}

function copy(value: unknown): unknown {
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return Array.isArray(value) ? [...value as unknown[]] : isPlain ? { ...value } : value;
}

function checkPlatform({ imageRegistry, httpProxy, httpsProxy, huggingFaceEndpoint, modelScopeEndpoint, downloadRate }: PlatformProps): void {
  if (imageRegistry !== undefined && !/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]*[a-z0-9])?$/.test(imageRegistry)) {
    throw new Error(`'imageRegistry' must be a host with an optional path, like 'harbor.corp.example/mirror', got '${imageRegistry}'`);
  }
  for (const [name, url] of Object.entries({ httpProxy, httpsProxy })) {
    if (url?.startsWith('https://') === true) {
      throw new Error(`'${name}' of the platform must be reached by http://, which downloads tunnel through; https:// proxies are not supported`);
    }
  }
  for (const [name, url] of Object.entries({ httpProxy, httpsProxy, huggingFaceEndpoint, modelScopeEndpoint })) {
    if (url !== undefined && !/^https?:\/\/[^\s@]+$/.test(url)) {
      throw new Error(`'${name}' of the platform must be an http or https URL without a password, got '${url.replace(/[^/]*@/, '***@')}'`);
    }
  }
  if (downloadRate !== undefined && downloadRate.toKibibytes() < 1) {
    throw new Error(`'downloadRate' must be positive, got ${downloadRate.asString()}`);
  }
}
