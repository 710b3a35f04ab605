import type { PodFragment } from '../pods/pod-fragment';
import type { DeviceRequest } from './device-dialect';
import type { MindClusterVersion } from './mind-cluster-version';

const CHIP_NAME_LABEL = 'node.kubernetes.io/npu.chip.name';
const SERVER_TYPE_LABEL = 'servertype';

/** Chips whose label `node.kubernetes.io/npu.chip.name` is known and unambiguous (Ascend/mind-cluster@22bb3d98 06_api/12_k8s.md; ascend-for-volcano plugin/const.go). */
const CHIP_NAMES: Readonly<Record<string, string>> = {
  Ascend910B1: '910B1', Ascend910B2: '910B2', Ascend910B3: '910B3', Ascend910B4: '910B4', 'Ascend910B4-1': '910B4-1',
};

interface Expression { readonly key: string; readonly values: readonly string[] }

/**
 * Chips that are known by one of several values, by series: the 910A has several names, and the 910C (A3) is told by its server type, which the plugin
 * writes unless the node has the label already (ascend-device-plugin/pkg/server/manager.go, getNewNodeLabel; ascend-for-volcano plugin/const.go).
 */
const ONE_OF: Readonly<Record<string, Expression>> = {
  '910A': { key: CHIP_NAME_LABEL, values: ['910A', '910PremiumA', '910ProA', '910ProB'] },
  '910C': { key: SERVER_TYPE_LABEL, values: ['Ascend910A3-20', 'Ascend910A3-24'] },
};

/**
 * Labels of the nodes that have the chip. Up to 26.0 administrators label nodes by product. From 26.1 on the plugin writes `accelerator` itself, and
 * nobody has to set `accelerator-type`, so that pods go by the labels of the chip that it has been writing since 6.0.
 */
export function nodeSelector(request: DeviceRequest, generationLabel: string, version: MindClusterVersion): Record<string, string> {
  const { nodeType } = request;
  const byVersion = version.atLeast(26, 1)
    ? chipLabels(request)
    : { ...(nodeType?.acceleratorType !== undefined && { 'accelerator-type': nodeType.acceleratorType }), ...nodeType?.nodeLabels };
  return { accelerator: generationLabel, ...byVersion };
}

function chipLabels({ accelerator, nodeType }: DeviceRequest): Record<string, string> {
  const serverType = nodeType?.nodeLabels[SERVER_TYPE_LABEL];
  return {
    ...(CHIP_NAMES[accelerator.name] !== undefined && { [CHIP_NAME_LABEL]: CHIP_NAMES[accelerator.name]! }),
    ...(accelerator.card === '300I Duo' && { 'infer-card-type': 'card-300i-duo' }),
    ...(serverType !== undefined && { [SERVER_TYPE_LABEL]: serverType }),
  };
}

/** What the selector cannot say: one of several values of a label. */
export function nodeAffinity({ accelerator, nodeType }: DeviceRequest, version: MindClusterVersion): Pick<PodFragment, 'affinity'> {
  const expression = version.atLeast(26, 1) ? ONE_OF[accelerator.series] : undefined;
  if (expression === undefined || nodeType?.nodeLabels[expression.key] !== undefined) {
    return {};
  }
  const matchExpressions = [{ key: expression.key, operator: 'In', values: [...expression.values] }];
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } } } };
}
