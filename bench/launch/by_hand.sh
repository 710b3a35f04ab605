#!/bin/sh
# What a careful script does without a launcher: by_hand.sh FOLDER PODS DEVICES INDEX, one in each pod, FOLDER shared.
set -eu
folder=$1 pods=$2 devices=$3 index=$4
device=0
: >"$folder/.table_$index"
while [ "$device" -lt "$devices" ]; do
  address=$(hccn_tool -i "$device" -ip -g | sed -n 's/^ipaddr://p')
  echo "10.0.0.$index $device $address" >>"$folder/.table_$index"
  device=$((device + 1))
done
mv "$folder/.table_$index" "$folder/table_$index"
if [ "$index" -eq 0 ]; then
  while [ "$(ls "$folder" | grep -c '^table_')" -lt "$pods" ]; do sleep 1; done
  pod=0
  while [ "$pod" -lt "$pods" ]; do cat "$folder/table_$pod"; pod=$((pod + 1)); done >"$folder/.merged"
  mv "$folder/.merged" "$folder/merged"
fi
while [ ! -e "$folder/merged" ]; do sleep 1; done
device=0
while [ "$device" -lt "$devices" ]; do
  rank=$((index * devices + device))
  RANK_ID=$rank DEVICE_ID=$device RANK_SIZE=$((pods * devices)) RANK_TABLE_FILE=$folder/merged \
    sh -c 'echo >"$0/rank_$RANK_ID"' "$folder" &
  device=$((device + 1))
done
wait
