# Stands for CANN's set_env.sh: bash only, and it overwrites what the pod set.
if [[ -z "${BASH_VERSION:-}" ]]; then echo "set_env.sh wants bash" >&2; return 1; fi
export ASCEND_TOOLKIT_HOME=/usr/local/Ascend/ascend-toolkit/latest
export LD_LIBRARY_PATH=${ASCEND_TOOLKIT_HOME}/lib64:${LD_LIBRARY_PATH}
export PYTHONPATH=${ASCEND_TOOLKIT_HOME}/python/site-packages:${PYTHONPATH}
export PATH=${ASCEND_TOOLKIT_HOME}/bin:${PATH}
export ASCEND_AICPU_PATH=${ASCEND_TOOLKIT_HOME}
export ASCEND_OPP_PATH=${ASCEND_TOOLKIT_HOME}/opp
