import { type ExaminedContainer, inContainers } from './examined-object';
import { fault } from './fault';
import type { Rule } from './rule';

/** The port of MindIE's management plane (Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json). */
const MANAGEMENT_PORT = 1026;
/** The port of its metrics (same place). */
const METRICS_PORT = 1027;

/** What the server is called, as a package and before. */
const PROGRAM = /mindie_llm_server|mindieservice_daemon/;

function isMindie({ container, commandLine }: ExaminedContainer): boolean {
  return /(^|\/)mindie[:/_-]/.test(container.image ?? '') || PROGRAM.test(commandLine);
}

function hasVariable({ container }: ExaminedContainer, variable: string, wanted?: string): boolean {
  return container.env?.some(({ name, value, valueFrom }) => name === variable && (wanted === undefined || value === wanted || valueFrom !== undefined)) === true;
}

/** Whether a word of a command is the server's program. */
function isDaemon(word: string | undefined): boolean {
  return /(^|\/)(mindie_llm_server|mindieservice_daemon)$/.test(word ?? '');
}

/** Rules about MindIE's server. */
export const MINDIE_RULES: readonly Rule[] = [
  {
    id: 'mindie-first-process',
    severity: 'error',
    explanation: 'MindIE makes a process group of its own, which the kernel refuses to the leader of a session, as the first process of a container is: it ends with \'Failed to set process group\' '
      + '(Ascend/MindIE-LLM@8b4871ad src/server/daemon/llm_daemon.cpp)',
    fix: 'start it as the child of something, for example of a shell that waits for it',
    check: inContainers(({ container: { name, command, args } }) => {
      const [first] = command ?? args ?? [];
      return isDaemon(first) ? [fault(`container '${name}' has ${first ?? ''} as its first process`, command === undefined ? 'args' : 'command', 0)] : [];
    }),
  },
  {
    id: 'mindie-drain',
    severity: 'warning',
    explanation: 'MindIE ends at once on SIGTERM, whatever it is answering; GET /stopService of its management plane waits for running requests (Ascend/MindIE-LLM@8b4871ad service_APIs_usage_guidance.md)',
    fix: 'call /stopService on port 1026 in a preStop hook, some seconds after the hook has begun, and give it time by terminationGracePeriodSeconds',
    check: inContainers(({ container: { name, lifecycle }, commandLine }) => {
      const isStopped = lifecycle?.preStop !== undefined || /stopService|start_mindie/.test(commandLine);
      return !PROGRAM.test(commandLine) || isStopped ? [] : [fault(`container '${name}' has no preStop hook`, 'lifecycle')];
    }),
  },
  {
    id: 'mindie-metrics',
    severity: 'warning',
    explanation: 'MindIE answers /metrics with 500 unless MIES_SERVICE_MONITOR_MODE is 1 (Ascend/MindIE-LLM@8b4871ad src/server/endpoint/http_wrapper/http_handler.cpp)',
    fix: 'set MIES_SERVICE_MONITOR_MODE to \'1\'',
    check: inContainers((container) => {
      const index = (container.container.ports ?? []).findIndex(({ containerPort }) => containerPort === METRICS_PORT);
      return !isMindie(container) || index < 0 || hasVariable(container, 'MIES_SERVICE_MONITOR_MODE', '1') ? []
        : [fault(`container '${container.container.name}' has its metrics on port ${String(METRICS_PORT)} and MIES_SERVICE_MONITOR_MODE is not 1`, 'ports', index)];
    }),
  },
  {
    id: 'mindie-config-link',
    severity: 'error',
    explanation: 'MindIE refuses a configuration that is a symbolic link, and files of a ConfigMap volume are links unless they are mounted by subPath (Ascend/MindIE-LLM@8b4871ad FileUtils::RegularFilePath)',
    fix: 'mount the file by subPath, or copy it when the container starts',
    check: inContainers((container, { spec: { volumes = [] } }) => !isMindie(container) ? [] : (container.container.volumeMounts ?? []).flatMap((mount, index) => {
      const isConfigMap = volumes.some(({ name, configMap }) => name === mount.name && configMap !== undefined);
      return isConfigMap && mount.subPath === undefined && /\/conf(ig)?(\/|$)|config\.json$/.test(mount.mountPath) && !mount.mountPath.startsWith('/user/serverid/')
        ? [fault(`container '${container.container.name}' has its configuration at ${mount.mountPath} as links into a ConfigMap`, 'volumeMounts', index)] : [];
    })),
  },
  {
    id: 'mindie-config-mode',
    severity: 'error',
    explanation: 'MindIE refuses a configuration that more than its group may read, or that is not its own: mode 0640 at most, whatever MINDIE_CHECK_INPUTFILES_PERMISSION says '
      + '(Ascend/MindIE-LLM@8b4871ad FileUtils::IsFileValid)',
    fix: 'set defaultMode: 0640 on the ConfigMap volume; where the server is not root, copy the file when the container starts',
    check: inContainers((container, { spec: { volumes = [] } }) => !isMindie(container) ? []
      : (container.container.volumeMounts ?? []).flatMap((mount, index) => {
        const mode = volumes.find(({ name }) => name === mount.name)?.configMap?.defaultMode ?? 0o644;
        const isConfigMap = volumes.some(({ name, configMap }) => name === mount.name && configMap !== undefined);
        return isConfigMap && mount.mountPath.endsWith("config.json") && (mode & ~0o640) !== 0
          ? [fault(`container '${container.container.name}' has its configuration ${mount.mountPath} with mode 0${mode.toString(8)}`, 'volumeMounts', index)] : [];
      })),
  },
  {
    id: 'mindie-management-address',
    severity: 'error',
    explanation: 'MindIE\'s management plane listens on 127.0.0.2 unless it is told otherwise, where no probe of the kubelet reaches it (Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json)',
    fix: 'set MIES_CONTAINER_MANAGEMENT_IP from fieldRef status.podIP',
    check: inContainers((container) => {
      const { name, startupProbe, readinessProbe, livenessProbe, ports = [] } = container.container;
      const isManagement = (port: unknown): boolean => port === MANAGEMENT_PORT || ports.some((known) => known.name === port && known.containerPort === MANAGEMENT_PORT);
      const probe = Object.entries({ startupProbe, readinessProbe, livenessProbe }).find(([, { httpGet, tcpSocket } = {}]) => isManagement(httpGet?.port ?? tcpSocket?.port));
      return !isMindie(container) || probe === undefined || hasVariable(container, 'MIES_CONTAINER_MANAGEMENT_IP') ? []
        : [fault(`container '${name}' is probed on port ${String(MANAGEMENT_PORT)}, where MindIE listens for its own pod only`, probe[0])];
    }),
  },
];
