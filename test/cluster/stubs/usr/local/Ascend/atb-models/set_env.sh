# Stands for set_env.sh of the ATB models, with the values that it overwrites (atb_models scripts/set_env.sh, ModelLink@839b2483).
export ATB_SPEED_HOME_PATH=/usr/local/Ascend/atb-models
export LD_LIBRARY_PATH=${ATB_SPEED_HOME_PATH}/lib:${LD_LIBRARY_PATH}
export TASK_QUEUE_ENABLE=0
export ATB_OPERATION_EXECUTE_ASYNC=0
export ATB_USE_TILING_COPY_STREAM=0
export ATB_LAYER_INTERNAL_TENSOR_REUSE=0
