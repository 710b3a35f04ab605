/**
 * The dotted keys of MindFormers' training configurations, so that a misspelt setting is refused at synth and not after minutes on the devices.
 * A tree is written `section(key section(key key))`. Lists are leaves. Sets that differ little are told by the difference.
 */

/** Reads a tree. */
function keys(tree: string): ReadonlySet<string> {
  const found = new Set<string>();
  const path: string[] = [];
  for (const [token] of tree.matchAll(/[\w]+\(|\w+|\)/g)) {
    if (token === ')') {
      path.pop();
    } else if (token.endsWith('(')) {
      path.push(token.slice(0, -1));
    } else {
      found.add([...path, token].join('.'));
    }
  }
  return found;
}

/** A set with some keys more and some less. */
function changed(base: ReadonlySet<string>, more: string, less = ''): ReadonlySet<string> {
  const gone = keys(less);
  return new Set([...[...base].filter((key) => !gone.has(key)), ...keys(more)]);
}

/** configs/glm/run_glm_6b_finetune.yaml of c8a5808. */
export const GLM_C8A5808_FULL = keys(
  'auto_trans_ckpt auto_tune autotune_per_step callbacks context(device_id device_target enable_graph_kernel graph_kernel_flags max_call_depth '
  + 'max_device_memory mode save_graphs) do_eval eval_callbacks eval_dataset(batch_size data_loader(dataset_dir shuffle type) drop_remainder '
  + 'input_columns num_parallel_workers numa_enable prefetch_size python_multiprocessing repeat seed) eval_dataset_task(dataset_config(batch_size '
  + 'data_loader(dataset_dir shuffle type) drop_remainder input_columns num_parallel_workers numa_enable prefetch_size python_multiprocessing '
  + 'repeat seed) type) eval_epoch_interval eval_step_interval filepath_prefix init_start_profile layer_decay layer_scale load_checkpoint '
  + 'lr_scale lr_scale_factor lr_schedule(learning_rate lr_end total_steps type warmup_steps) metric(tokenizer_type type) '
  + 'micro_batch_interleave_num model(arch(type) model_config(activation_func attention_dropout_rate bos_token_id checkpoint_name_or_path '
  + 'compute_dtype do_sample embedding_dropout_prob eos_token_id gmask_token_id hidden_dropout_rate hidden_size hidden_size_per_attention_head '
  + 'inner_hidden_size is_enhanced_encoder is_npu_acceleration layernorm_compute_type layernorm_epsilon layernorm_order mask_token_id '
  + 'max_decode_length num_heads num_layers pad_token_id param_init_type position_encoding_2d repetition_penalty seq_length softmax_compute_type '
  + 'top_k top_p type use_final_layernorm use_past vocab_size)) moe_config(aux_loss_factor capacity_factor expert_num num_experts_chosen) '
  + 'optimizer(beta1 beta2 eps type weight_decay) output_dir parallel(enable_alltoall enable_parallel_optimizer full_batch gradients_mean '
  + 'loss_repeated_mean parallel_mode search_mode strategy_ckpt_save_file) parallel_config(data_parallel expert_parallel '
  + 'gradient_aggregation_group micro_batch_num model_parallel optimizer_shard pipeline_stage vocab_emb_dp) processor(return_tensors '
  + 'tokenizer(bos_token end_token eos_token gmask_token mask_token pad_token padding_side type unk_token) type) profile profile_communication '
  + 'profile_memory profile_start_step profile_stop_step recompute_config(mp_comm_recompute parallel_optimizer_comm_recompute recompute '
  + 'recompute_slice_activation) remote_save_url resume_training run_mode runner_config(batch_size epochs sink_mode sink_size) '
  + 'runner_wrapper(scale_sense(loss_scale_value scale_factor scale_window type) type use_clip_grad) seed train_dataset(batch_size '
  + 'data_loader(dataset_dir shuffle type) drop_remainder input_columns num_parallel_workers numa_enable prefetch_size python_multiprocessing '
  + 'repeat seed) train_dataset_task(dataset_config(batch_size data_loader(dataset_dir shuffle type) drop_remainder input_columns '
  + 'num_parallel_workers numa_enable prefetch_size python_multiprocessing repeat seed) type) trainer(model_name type) use_parallel',
);

/** configs/glm/run_glm_6b_lora.yaml of c8a5808. */
export const GLM_C8A5808_LORA = changed(GLM_C8A5808_FULL, 'model(arch(pet(pet_config(lora_alpha lora_dropout lora_rank) pet_type)))', 'layer_decay lr_scale_factor');

/** configs/glm/run_glm_6b_finetune.yaml of 3354237. */
export const GLM_FULL = changed(GLM_C8A5808_FULL,
  'eval_dataset(data_loader(origin_columns phase) ignore_pad_token_for_loss max_source_length max_target_length tokenizer(type vocab_file)) '
  + 'eval_dataset_task(dataset_config(data_loader(origin_columns phase) ignore_pad_token_for_loss max_source_length max_target_length '
  + 'tokenizer(type vocab_file))) model(model_config(is_sample_acceleration)) only_save_strategy src_strategy_path_or_dir '
  + 'train_dataset(data_loader(origin_columns phase) ignore_pad_token_for_loss max_source_length max_target_length tokenizer(type vocab_file)) '
  + 'train_dataset_task(dataset_config(data_loader(origin_columns phase) ignore_pad_token_for_loss max_source_length max_target_length '
  + 'tokenizer(type vocab_file)))',
  'eval_epoch_interval eval_step_interval metric(tokenizer_type) model(model_config(is_npu_acceleration)) parallel_config(optimizer_shard) '
  + 'processor(tokenizer(padding_side))',
);

/** configs/glm/run_glm_6b_lora.yaml of 3354237. */
export const GLM_LORA = changed(GLM_FULL,
  'model(model_config(pet_config(lora_alpha lora_dropout lora_rank pet_type target_modules))) '
  + 'parallel(strategy_ckpt_config(only_trainable_params save_file))', 'layer_decay lr_scale_factor parallel(strategy_ckpt_save_file)',
);

/** configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of 3354237. */
export const GLM2_FULL = changed(GLM_FULL,
  'eval_dataset(data_loader(version)) eval_dataset_task(dataset_config(data_loader(version))) eval_epoch_interval eval_step_interval '
  + 'model(model_config(add_bias_linear add_qkv_bias apply_query_key_layer_scaling apply_residual_connection_post_layernorm attention_dropout '
  + 'attention_softmax_in_fp32 bias_dropout_fusion ffn_hidden_size fp32_residual_connection hidden_dropout kv_channels multi_query_attention '
  + 'multi_query_group_num num_attention_heads padded_vocab_size post_layer_norm pre_seq_len prefix_projection quantization_bit rmsnorm '
  + 'use_flash_attention)) parallel(strategy_ckpt_config(save_file)) train_dataset(data_loader(version)) '
  + 'train_dataset_task(dataset_config(data_loader(version)))',
  'model(model_config(activation_func attention_dropout_rate bos_token_id embedding_dropout_prob gmask_token_id hidden_dropout_rate '
  + 'hidden_size_per_attention_head inner_hidden_size is_enhanced_encoder is_sample_acceleration layernorm_order mask_token_id num_heads '
  + 'position_encoding_2d softmax_compute_type use_final_layernorm vocab_size)) parallel(strategy_ckpt_save_file)',
);

/** configs/glm2/run_glm2_6b_lora_800T_A2_64G.yaml of 3354237. */
export const GLM2_LORA = changed(GLM2_FULL,
  'model(model_config(pet_config(lora_alpha lora_dropout lora_rank pet_type target_modules))) '
  + 'parallel(strategy_ckpt_config(only_trainable_params))',
);

/** configs/glm3/run_glm3_6b_finetune_2k_910b.yaml of v1.0.2. */
export const GLM2_R1_0_FULL = changed(GLM2_FULL, 'model(model_config(batch_size))');

/** configs/glm2/run_glm2_6b_lora_910b.yaml of v1.0.2. */
export const GLM2_R1_0_LORA = changed(GLM2_R1_0_FULL,
  'model(model_config(pet_config(lora_alpha lora_dropout lora_rank pet_type target_modules))) '
  + 'parallel(strategy_ckpt_config(only_trainable_params))',
);

/** configs/glm3/run_glm3_6b_finetune_2k_800T_A2_64G.yaml of v1.2.0. */
export const GLM3_R1_2_2K = changed(GLM2_FULL, 'context(jit_config(jit_level))');

/** configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of v1.3.2. */
export const GLM2_R1_3_FULL = changed(GLM2_FULL, '', 'context(graph_kernel_flags)');

/** configs/glm2/run_glm2_6b_lora_800T_A2_64G.yaml of v1.3.2. */
export const GLM2_R1_3_LORA = changed(GLM2_R1_3_FULL,
  'model(model_config(pet_config(lora_alpha lora_dropout lora_rank pet_type target_modules))) '
  + 'parallel(strategy_ckpt_config(only_trainable_params))',
);

/** configs/glm3/run_glm3_6b_finetune_2k_800T_A2_64G.yaml of v1.3.2. */
export const GLM3_R1_3_2K = changed(GLM2_R1_3_FULL, 'context(jit_config(jit_level))');

/** configs/glm3/run_glm3_6b_multiturn_finetune_800T_A2_64G.yaml of 3354237. */
export const GLM3_MULTI_TURN = changed(GLM2_FULL,
  'context(save_graphs_path) optimizer(learning_rate) train_dataset(max_seq_length) train_dataset_task(dataset_config(max_seq_length))',
  'eval_dataset(batch_size data_loader(dataset_dir origin_columns phase shuffle type version) drop_remainder ignore_pad_token_for_loss '
  + 'input_columns max_source_length max_target_length num_parallel_workers numa_enable prefetch_size python_multiprocessing repeat seed '
  + 'tokenizer(type vocab_file)) eval_dataset_task(dataset_config(batch_size data_loader(dataset_dir origin_columns phase shuffle type version) '
  + 'drop_remainder ignore_pad_token_for_loss input_columns max_source_length max_target_length num_parallel_workers numa_enable prefetch_size '
  + 'python_multiprocessing repeat seed tokenizer(type vocab_file)) type) train_dataset(data_loader(origin_columns phase version) '
  + 'ignore_pad_token_for_loss input_columns max_source_length max_target_length) train_dataset_task(dataset_config(data_loader(origin_columns '
  + 'phase version) ignore_pad_token_for_loss input_columns max_source_length max_target_length))',
);

/** configs/glm3/run_glm3_6b_multiturn_finetune_800T_A2_64G.yaml of v1.3.2. */
export const GLM3_R1_3_MULTI_TURN = changed(GLM3_MULTI_TURN, '', 'context(graph_kernel_flags)');
