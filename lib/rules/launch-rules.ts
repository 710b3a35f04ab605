import type { V1EnvVar } from '@kubernetes/client-node';

import { hasBfloat16, seriesOf } from './ascend-chip';
import { DYNAMIC_ASCEND } from './device-resources';
import { deviceCount, type ExaminedContainer, inContainers, inDeviceContainers, inDevicePods } from './examined-object';
import { fault, type Fault } from './fault';
import type { Rule } from './rule';

/** Variables by which MindFormers takes a pod for one of ModelArts (mindspore-lab/mindformers@3354237f mindformers/tools/utils.py, check_in_modelarts). */
const MODELARTS = ['MA_LOG_DIR', 'MA_JOB_DIR', 'MA_LOCAL_LOG_PATH', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'BATCH_GROUP_NAME'];
/** MindFormers' launchers that put the ranks into the background (mindformers@3354237f scripts/). */
const BACKGROUND_LAUNCHER = /\brun_(distribute|distribute_single_node|standalone)\.sh\b/;
const BFLOAT16 = /^(bf16|bfloat16)$/i;
const BFLOAT16_FLAG = /--[\w.-]*(dtype|type|precision)[= ](bf16|bfloat16)\b|--bf16\b(?![= ]([Ff]alse|0))/;

function envFaults({ container }: ExaminedContainer, complaint: (entry: V1EnvVar) => string | undefined): Fault[] {
  return (container.env ?? []).flatMap((entry, index) => {
    const message = complaint(entry);
    return message === undefined ? [] : [fault(`container '${container.name}' ${message}`, 'env', index)];
  });
}

function inCommand({ container }: ExaminedContainer, complaint: string | undefined): Fault[] {
  return complaint === undefined ? [] : [fault(`container '${container.name}' ${complaint}`, ...container.args === undefined ? ['command'] : ['args'])];
}

function asksForBfloat16({ name, value = '' }: V1EnvVar): boolean {
  return (/DTYPE|PRECISION|DATA_TYPE/i.test(name) && BFLOAT16.test(value)) || (/^IS_BF16$/.test(name) && value === '1');
}

/** `--join True`, `--join=True`; what is a variable may be anything. */
function joins(commandLine: string): boolean {
  return /--join[= ]["']?(True|\$)/.test(commandLine);
}

/** Rules about how ranks are started. */
const START_RULES: readonly Rule[] = [
  {
    id: 'background-launcher',
    severity: 'error',
    explanation: 'MindFormers\' run_distribute.sh and run_standalone.sh put the ranks into the background and end with 0: the container ends, its ranks are killed, and a Job is complete without '
      + 'any training (mindspore-lab/mindformers@3354237f scripts/run_distribute.sh)',
    fix: 'source the script and wait for each of its jobs, or start the ranks by a launcher that waits, such as msrun --join=True',
    check: inContainers((container) => inCommand(container, BACKGROUND_LAUNCHER.test(container.commandLine) && !/\bwait\b/.test(container.commandLine)
      ? `starts ${BACKGROUND_LAUNCHER.exec(container.commandLine)![0]}, which ends before the ranks that it starts` : undefined)),
  },
  {
    id: 'msrun-join',
    severity: 'error',
    explanation: 'msrun and msrun_launcher.sh return at once unless they are told to join: the container ends and its ranks are killed (mindspore-ai/mindspore@0250785a parallel/cluster/run.py)',
    fix: 'give msrun --join=True; give msrun_launcher.sh True as its fifth argument of six, or eighth of nine',
    check: inContainers((container) => inCommand(container, /\bmsrun +-/.test(container.commandLine) && !joins(container.commandLine) && !/\bwait\b/.test(container.commandLine)
      ? 'starts msrun without --join=True, which ends before its workers' : undefined)),
  },
  {
    id: 'msrun-master-address',
    severity: 'error',
    explanation: 'msrun starts its scheduler where --master_addr is literally an address of the node; a name matches nowhere, and all workers time out (mindspore-ai/mindspore@1d200338 cluster/_utils.py)',
    fix: 'resolve the name in the command and pass the address of pod 0',
    check: inContainers((container) => {
      const address = /\bmsrun\b.*--master_addr[= ]["']?([^\s"']+)/.exec(container.commandLine)?.[1];
      return inCommand(container, address === undefined || /^(\d{1,3}(\.\d{1,3}){3}$|\$|`|[0-9a-fA-F]*:)/.test(address) ? undefined : `gives msrun the name '${address}' instead of an address`);
    }),
  },
  {
    id: 'modelarts-variables',
    severity: 'warning',
    explanation: 'MindFormers takes these variables as a sign of ModelArts and imports moxing, which other images do not have (mindspore-lab/mindformers@3354237f check_in_modelarts)',
    fix: 'give the variable another name, for example AWS_ACCESS_KEY_ID',
    check: inContainers((container) => !/mindformer|msrun/i.test(`${container.container.image ?? ''} ${container.commandLine}`) ? []
      : envFaults(container, ({ name }) => MODELARTS.includes(name) ? `has the variable ${name}, by which MindFormers takes it for a pod of ModelArts` : undefined)),
  },
];

/** Rules about what chips and vendors' libraries can do. */
const CHIP_RULES: readonly Rule[] = [
  {
    id: 'bfloat16-unsupported',
    severity: 'error',
    explanation: 'the 910A, the 310P, the 310 and the MLU370 do not compute in bfloat16; the A2 generation of Ascend and later chips do',
    fix: 'use float16',
    check: inDeviceContainers((container, pod) => {
      const series = seriesOf(pod);
      if (series === undefined || hasBfloat16(series) !== false) {
        return [];
      }
      return [
        ...envFaults(container, (entry) => asksForBfloat16(entry) ? `sets ${entry.name}=${String(entry.value)} on ${series}, which has no bfloat16` : undefined),
        ...inCommand(container, BFLOAT16_FLAG.test(container.commandLine) ? `passes ${BFLOAT16_FLAG.exec(container.commandLine)![0]} on ${series}, which has no bfloat16` : undefined),
      ];
    }),
  },
  {
    id: 'atb-unsupported',
    severity: 'error',
    explanation: 'ATB has kernels for the 310P and for the A2 generation and later; on others it ends with NotImplementedError (ModelLink@839b2483 atb_models)',
    fix: 'run MindFormers on these chips',
    check: inDeviceContainers((container, pod) => !/^(910A|310)$/.test(seriesOf(pod) ?? '') ? []
      : envFaults(container, ({ name }) => name.startsWith('ATB_') ? `sets ${name} on ${String(seriesOf(pod))}, which ATB does not support` : undefined).slice(0, 1)),
  },
  {
    id: 'atb-tiling-stream',
    severity: 'warning',
    explanation: 'ATB_USE_TILING_COPY_STREAM is for the 310P alone and unstable on other chips (ModelLink@839b2483 atb_models)',
    fix: 'set it to 0, or leave it out',
    check: inDeviceContainers((container, pod) => ['310P', undefined].includes(seriesOf(pod)) ? []
      : envFaults(container, ({ name, value }) => name === 'ATB_USE_TILING_COPY_STREAM' && value === '1' ? `sets ${name}=1 on ${String(seriesOf(pod))}` : undefined)),
  },
  {
    id: 'hccl-buffer-size',
    severity: 'error',
    explanation: 'HCCL_BUFFSIZE is a whole number of MB from 1; HCCL refuses anything else when the ranks meet (Ascend/MindIE-LLM@8b4871ad environment_variable.md)',
    fix: 'give a whole number without a unit',
    check: inContainers((container) => envFaults(container, ({ name, value }) => name === 'HCCL_BUFFSIZE' && value !== undefined && !/^([1-9]\d*|\$\(.*\))$/.test(value)
      ? `sets HCCL_BUFFSIZE to '${value}'; it is a whole number of MB from 1` : undefined)),
  },
  {
    id: 'hccl-host-network',
    severity: 'warning',
    explanation: 'on the network of the host HCCL may pick an address of another card or bridge; MindCluster\'s samples tell it the one of the host (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)',
    fix: 'set HCCL_IF_IP from fieldRef status.hostIP',
    check: inDeviceContainers(({ container, devices }, { spec }) => {
      const isAscend = devices.some(({ resource, count }) => resource.startsWith('huawei.com/') && count > 1);
      return spec.hostNetwork !== true || !isAscend || container.env?.some(({ name }) => /^HCCL_(IF_IP|SOCKET_IFNAME)$/.test(name)) === true ? []
        : [fault(`container '${container.name}' is on the network of the host without HCCL_IF_IP`, 'env')];
    }),
  },
];

/** Rules about shared memory. */
const SHARED_MEMORY_RULES: readonly Rule[] = [
  {
    id: 'shared-memory',
    severity: 'warning',
    explanation: 'processes of several devices exchange data through /dev/shm, and a container gets 64 MiB of it unless a volume is mounted there',
    fix: 'mount an emptyDir of medium Memory at /dev/shm',
    // The AI cores of a dynamic virtual device are those of one chip.
    check: inDeviceContainers((container, { spec }) => deviceCount(container) < 2 || container.devices.every(({ resource }) => resource === DYNAMIC_ASCEND) || spec.hostIPC === true || container.container.volumeMounts?.some(({ mountPath }) => /^\/dev\/shm\/?$/.test(mountPath)) === true ? []
      : [fault(`container '${container.container.name}' asks for ${String(deviceCount(container))} devices and has 64 MiB of /dev/shm`, 'volumeMounts')]),
  },
  {
    id: 'shared-memory-medium',
    severity: 'warning',
    explanation: 'an emptyDir without medium Memory is on the disk of the node, so shared memory is as slow as the disk',
    fix: 'set medium: Memory and a sizeLimit on the volume at /dev/shm',
    check: inContainers(({ container }, { spec: { volumes = [] } }) => (container.volumeMounts ?? []).flatMap((mount, index) => {
      const volume = volumes.find(({ name }) => name === mount.name);
      return /^\/dev\/shm\/?$/.test(mount.mountPath) && volume?.emptyDir !== undefined && volume.emptyDir.medium !== 'Memory'
        ? [fault(`container '${container.name}' has its shared memory on disk: volume '${mount.name}' is an emptyDir without medium Memory`, 'volumeMounts', index)] : [];
    })),
  },
  {
    id: 'host-ipc',
    severity: 'warning',
    explanation: 'the pods of a node share /dev/shm then, and MindIE\'s set_env.sh empties it when it is sourced, under the feet of the others (Ascend/MindIE-LLM@8b4871ad)',
    fix: 'leave hostIPC out and mount an emptyDir of medium Memory at /dev/shm',
    check: inDevicePods(({ spec }) => spec.hostIPC === true ? [fault('the pod asks for devices and shares the IPC namespace of its node', 'spec', 'hostIPC')] : []),
  },
];

/** Rules about what runs on the devices. */
export const LAUNCH_RULES: readonly Rule[] = [...START_RULES, ...CHIP_RULES, ...SHARED_MEMORY_RULES];
