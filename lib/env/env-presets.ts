import { EnvPreset, type EnvVariable } from './env-preset';

const ASCEND = ['910A', '910B', '910C', '310P', '310'];
const ATB_CHIPS = ['910B', '310P'];

/** Further variables of a family that have no default here but may be set by `with`. */
const HCCL_KNOWN = [
  'HCCL_BUFFSIZE', 'HCCL_OP_BASE_FFTS_MODE_ENABLE', 'HCCL_CONNECT_TIMEOUT', 'HCCL_EXEC_TIMEOUT', 'HCCL_WHITELIST_DISABLE', 'HCCL_OP_EXPANSION_MODE',
  'HCCL_IF_IP', 'HCCL_SOCKET_IFNAME', 'HCCL_ALGO', 'HCCL_DETERMINISTIC',
];
const ATB_KNOWN = [
  'ATB_OPERATION_EXECUTE_ASYNC', 'ATB_LAYER_INTERNAL_TENSOR_REUSE', 'ATB_USE_TILING_COPY_STREAM', 'ATB_WORKSPACE_MEM_ALLOC_GLOBAL',
  'ATB_CONTEXT_WORKSPACE_SIZE', 'ATB_CONTEXT_WORKSPACE_RING', 'ATB_OPSRUNNER_KERNEL_CACHE_TYPE', 'ATB_OPSRUNNER_KERNEL_CACHE_LOCAL_COUNT',
  'ATB_OPSRUNNER_KERNEL_CACHE_GLOABL_COUNT', 'ATB_LOG_TO_STDOUT', 'ATB_LOG_TO_FILE', 'ATB_LOG_LEVEL', 'ATB_STREAM_SYNC_EVERY_KERNEL_ENABLE',
  'TASK_QUEUE_ENABLE', 'MAX_SEQ_LEN',
];

const HCCL_FFTS: EnvVariable = { value: 'TRUE', purpose: 'dispatches collective operators in FFTS mode' };

/**
 * The presets of the runtimes' own guides. Sources: aeeeeeep/ModelLink@839b2483 (README and scripts/set_env.sh of atb_models),
 * Ascend/MindIE-LLM@8b4871ad environment_variable.md, mindspore-lab/mindformers@3354237 docs/model_cards/glm3.md.
 */
export class EnvPresets {
  /**
   * HCCL, Huawei's collective communication, for training: patient time-outs, since ranks compile for minutes before they meet,
   * and no whitelist file.
   */
  public static readonly HCCL = EnvPreset._catalogued({
    name: 'hccl', series: ASCEND,
    variables: {
      HCCL_CONNECT_TIMEOUT: { value: '1800', purpose: 'seconds to wait for the other ranks when a group is formed (120 by default)' },
      HCCL_EXEC_TIMEOUT: { value: '3600', purpose: 'seconds to wait for the other ranks inside an operator' },
      HCCL_WHITELIST_DISABLE: { value: '1', purpose: 'no whitelist file of server addresses is needed' },
    },
  }, HCCL_KNOWN);

  /** HCCL for tensor-parallel inference by ATB: a small buffer on the 310P, whose memory is short. */
  public static readonly HCCL_INFERENCE = EnvPreset._catalogued({
    name: 'hccl-inference', series: ATB_CHIPS,
    variables: {
      HCCL_BUFFSIZE: { value: '110', purpose: 'MB of the buffer two devices share', onlyOnSeries: ['310P'] },
      HCCL_OP_BASE_FFTS_MODE_ENABLE: HCCL_FFTS,
    },
  }, HCCL_KNOWN);

  /** Ascend Transformer Boost: asynchronous dispatch and tensor reuse; the second stream helps on the 310P only and is unstable elsewhere. */
  public static readonly ATB = EnvPreset._catalogued({
    name: 'atb', series: ATB_CHIPS,
    variables: {
      TASK_QUEUE_ENABLE: { value: '1', purpose: 'torch_npu queues operators in a second thread' },
      ATB_OPERATION_EXECUTE_ASYNC: { value: '1', purpose: 'two-stage asynchronous dispatch of graphs' },
      ATB_LAYER_INTERNAL_TENSOR_REUSE: { value: '1', purpose: 'layers share their intermediate tensors' },
      ATB_USE_TILING_COPY_STREAM: { value: '1', purpose: 'copies tiling data in a second stream', onlyOnSeries: ['310P'] },
    },
  }, ATB_KNOWN);

  /** MindSpore inference: operators of the graph run one by one with the inference kernels. */
  public static readonly MINDSPORE_INFERENCE = EnvPreset._catalogued({
    name: 'mindspore-inference', series: ASCEND,
    variables: {
      GRAPH_OP_RUN: { value: '1', purpose: 'dispatches the graph operator by operator' },
      MS_ENABLE_INTERNAL_KERNELS: { value: 'on', purpose: 'uses the fused inference kernels' },
    },
  }, ['GRAPH_OP_RUN', 'MS_ENABLE_INTERNAL_KERNELS']);

  /** MindSpore training, as the ChatGLM3 guide sets it for the 910B: overflow is seen as Inf or NaN. */
  public static readonly MINDSPORE_TRAINING = EnvPreset._catalogued({
    name: 'mindspore-training', series: ['910B', '910C'],
    variables: {
      MS_ASCEND_CHECK_OVERFLOW_MODE: { value: 'INFNAN_MODE', purpose: 'loss scaling looks for Inf and NaN instead of saturation' },
    },
  }, ['MS_ASCEND_CHECK_OVERFLOW_MODE', 'MS_ENABLE_GE', 'MS_GE_TRAIN', 'MS_ENABLE_REF_MODE', 'MS_DEV_CELL_REUSE', 'ENABLE_CELL_REUSE']);

  /** Ascend's log on stdout, warnings and up, without events: for finding faults, since it slows training and floods the pod's log. */
  public static readonly ASCEND_LOG_DEBUG = EnvPreset._catalogued({
    name: 'ascend-log-debug', series: ASCEND,
    variables: {
      ASCEND_GLOBAL_EVENT_ENABLE: { value: '0', purpose: 'no event log' },
      ASCEND_GLOBAL_LOG_LEVEL: { value: '2', purpose: '0 debug, 1 info, 2 warning, 3 error' },
      ASCEND_SLOG_PRINT_TO_STDOUT: { value: '1', purpose: 'to the container\'s log instead of files' },
    },
  }, ['ASCEND_GLOBAL_EVENT_ENABLE', 'ASCEND_GLOBAL_LOG_LEVEL', 'ASCEND_SLOG_PRINT_TO_STDOUT', 'ASCEND_PROCESS_LOG_PATH', 'ASCEND_MODULE_LOG_LEVEL']);

  /** Cambricon: which of the container's devices a process sees. The device plugin sets nothing, so the default leaves all of them. */
  public static readonly MLU = EnvPreset._catalogued({ name: 'mlu', series: ['MLU370', 'MLU590'], variables: {} }, ['MLU_VISIBLE_DEVICES', 'CNCL_LOG_LEVEL']);

  /** Sophon: libsophon and its Python packages where the driver package puts them (sophgo/sophon-tools@e32247d5 se7 docs, 11-bsp-faq.md). */
  public static readonly SOPHON = EnvPreset._catalogued({
    name: 'sophon', series: ['BM1684X'],
    variables: {
      LD_LIBRARY_PATH: { value: '/opt/sophon/libsophon-current/lib', purpose: 'libbmrt and libbmlib of the driver package' },
    },
  }, ['LD_LIBRARY_PATH', 'PYTHONPATH', 'BMRT_LOG_VERSION', 'BMLIB_LOG_LEVEL']);

  /** Every preset of the catalogue. */
  public static all(): EnvPreset[] {
    return Object.values(EnvPresets).filter((value): value is EnvPreset => value instanceof EnvPreset);
  }

  private constructor() {}
}
