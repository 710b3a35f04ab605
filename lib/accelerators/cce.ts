import { checkCount, type DeviceDialect } from './device-dialect';

/** Ascend generations by the names of Huawei Cloud CCE (support.huaweicloud.com cce_10_0346; vllm-project/vllm-ascend@182b75ea multi_node_test.md). */
const RESOURCES: Readonly<Record<string, string>> = {
  '910A': 'huawei.com/ascend-1980', '910B': 'huawei.com/ascend-1980', '910C': 'huawei.com/ascend-1980', 310: 'huawei.com/ascend-310',
};

/** The NPU add-on of Huawei Cloud CCE, which has resource names of its own. */
export function cce(): DeviceDialect {
  return {
    name: 'CCE',
    names: ({ series }) => Object.hasOwn(RESOURCES, series),
    toFragment: (request) => {
      checkCount(request);
      return {
        devices: { [RESOURCES[request.accelerator.series]!]: request.devices },
        // The label's value differs by node flavour, its presence does not.
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'accelerator/huawei-npu', operator: 'Exists' }] }],
            },
          },
        },
      };
    },
  };
}
