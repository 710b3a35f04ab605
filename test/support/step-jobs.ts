import { Duration, Size } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';
import { DevicePlugin, type DeviceOptions, EnvPreset, type IArtifactStore, type JobOptions, NodeType, SecurityLevel } from 'cdk8s-chatglm';
import type { Construct } from 'constructs';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import type { EveryProp } from './every-prop';
import { chartWith, only, synthesized } from './synthesized';

/** Where the pod of a Job is, and its main container. */
export const POD = 'spec.template.spec';
export const MAIN = `${POD}.containers[0]`;

/** Another store than that of the inputs. */
export const OTHER_STORE: IArtifactStore = { storeName: 'other', shared: true, readOnly: false, volumeSource: { persistentVolumeClaim: { claimName: 'other' } } };

/** The Job of a construct `step`, by the construct's props. */
export function stepJob<P>(Step: new (scope: Construct, id: string, props: P) => Construct, given: P): (props?: Partial<P>) => KubernetesObject {
  return (props = {}) => {
    const chart = chartWith();
    new Step(chart, 'step', { ...given, ...props });
    return only(synthesized(chart), 'Job');
  };
}

const PRESET = EnvPreset.custom({ name: 'mine', variables: { FROM_PRESET: { value: '1', purpose: 'a test' } } });

/** What the options of every Job do to one whose own environment has `own` variables. */
export function jobOptions(own: number): EveryProp<JobOptions> {
  return {
    backoffLimit: { props: { backoffLimit: 7 }, reaches: { 'spec.backoffLimit': 7 } },
    deadline: { props: { deadline: Duration.hours(2) }, reaches: { 'spec.activeDeadlineSeconds': 7200 } },
    ttlAfterFinished: { props: { ttlAfterFinished: Duration.hours(1) }, reaches: { 'spec.ttlSecondsAfterFinished': 3600 } },
    presets: { props: { presets: [PRESET] }, reaches: { [`${MAIN}.env[${String(own)}].name`]: 'FROM_PRESET' } },
    env: { props: { env: { GREETING: EnvValue.fromValue('hi') } }, reaches: { [`${MAIN}.env[${String(own)}].name`]: 'GREETING' } },
    cpu: { props: { cpu: Cpu.millis(1500) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '1500m' } },
    memory: { props: { memory: Size.gibibytes(200) }, reaches: { [`${MAIN}.resources.requests.memory`]: '204800Mi' } },
    nodeSelector: { props: { nodeSelector: { zone: 'a' } }, reaches: { [`${POD}.nodeSelector.zone`]: 'a' } },
    tolerations: { props: { tolerations: [{ key: 'npu' }] }, reaches: { [`${POD}.tolerations[0].key`]: 'npu' } },
    priorityClassName: { props: { priorityClassName: 'urgent' }, reaches: { [`${POD}.priorityClassName`]: 'urgent' } },
    serviceAccountName: { props: { serviceAccountName: 'llm' }, reaches: { [`${POD}.serviceAccountName`]: 'llm' } },
    podLabels: { props: { podLabels: { team: 'ml' } }, reaches: { 'spec.template.metadata.labels.team': 'ml' } },
    podAnnotations: { props: { podAnnotations: { 'corp.example/note': 'x' } }, reaches: { 'spec.template.metadata.annotations[corp.example/note]': 'x' } },
    security: { props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${POD}.securityContext.runAsUser`]: 1000 } },
  };
}

const TOO_SMALL = Size.gibibytes(8);

/**
 * What the options about devices do on a 910B3.
 *
 * @param tooLittle the refusal of 8 GiB
 */
export function deviceOptions(tooLittle: string): EveryProp<DeviceOptions> {
  return {
    nodeType: { props: { nodeType: NodeType.ATLAS_200T_A2_BOX16 }, reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'module-910b-16' } },
    devicePlugin: { props: { devicePlugin: DevicePlugin.hami() }, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910B3]`]: 1 } },
    deviceMemory: { given: { deviceMemory: TOO_SMALL }, props: { deviceMemory: Size.gibibytes(32) }, lifts: tooLittle },
    skipMemoryCheck: { given: { deviceMemory: TOO_SMALL }, props: { skipMemoryCheck: true }, lifts: tooLittle },
  };
}
