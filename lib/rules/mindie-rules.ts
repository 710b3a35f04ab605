import { type ExaminedContainer, inContainers } from './examined-object';
import { fault } from './fault';
import type { Rule } from './rule';

/** The port of MindIE's management plane (Ascend/MindIE-LLM@8b4871ad src/server/conf/config.json). */
const MANAGEMENT_PORT = 1026;

function isMindie({ container, commandLine }: ExaminedContainer): boolean {
  return /(^|\/)mindie[:/_-]/.test(container.image ?? '') || /mindie_llm_server|mindieservice_daemon/.test(commandLine);
}

function hasVariable({ container }: ExaminedContainer, variable: string): boolean {
  return container.env?.some(({ name }) => name === variable) === true;
}

/** Rules about MindIE's server. */
export const MINDIE_RULES: readonly Rule[] = [
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
    explanation: 'MindIE refuses a configuration that more than its group may read: mode 0640 at most (Ascend/MindIE-LLM@8b4871ad FileUtils::IsFileValid)',
    fix: 'set defaultMode: 0640 on the ConfigMap volume',
    check: inContainers((container, { spec: { volumes = [] } }) => !isMindie(container) || hasVariable(container, 'MINDIE_CHECK_INPUTFILES_PERMISSION') ? []
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
