package deviceplugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Allocate answers what each container gets: device nodes, mounts and environment.
func (p *plugin) Allocate(ctx context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		ids, err := p.choose(ctx, container.DevicesIds)
		if err != nil {
			return nil, err
		}
		answer, err := p.answer(ids)
		if err != nil {
			return nil, err
		}
		log.Printf("%s: allocated %v", p.Name, ids)
		response.ContainerResponses = append(response.ContainerResponses, answer)
	}
	return response, nil
}

// choose returns the indices that Volcano noted on the waiting pod; without such a pod, the kubelet's own.
func (p *plugin) choose(ctx context.Context, kubelet []string) ([]string, error) {
	ids := slices.Clone(kubelet)
	sortNumeric(ids)
	if p.pods == nil || !p.VolcanoAnnotation {
		return ids, nil
	}
	noted, err := p.pods.claim(ctx, p.Resource, ids)
	if err != nil || noted == nil {
		return ids, err
	}
	return noted, nil
}

func (p *plugin) answer(ids []string) (*api.ContainerAllocateResponse, error) {
	answer := &api.ContainerAllocateResponse{Envs: map[string]string{}}
	for name, value := range p.Env {
		answer.Envs[name] = value
	}
	for _, name := range p.IndexEnv {
		answer.Envs[name] = strings.Join(ids, ",")
	}
	for _, mount := range p.Mounts {
		answer.Mounts = append(answer.Mounts, &api.Mount{ContainerPath: mount, HostPath: mount, ReadOnly: true})
	}
	for _, path := range p.paths(ids) {
		host, err := p.node(path)
		if err != nil {
			return nil, err
		}
		answer.Devices = append(answer.Devices, &api.DeviceSpec{ContainerPath: path, HostPath: host, Permissions: "rw"})
	}
	return answer, nil
}

func (p *plugin) paths(ids []string) []string {
	var paths []string
	for place, id := range ids {
		names := strings.NewReplacer("{i}", id, "{n}", strconv.Itoa(place))
		for _, device := range p.Devices {
			paths = append(paths, names.Replace(device))
		}
	}
	return append(paths, p.Shared...)
}

// node makes the stand-in for a device: a character device that is /dev/null by number (1:3), so that
// opening, reading and writing it is harmless and the device cgroup is truly exercised.
func (p *plugin) node(path string) (string, error) {
	host := filepath.Join(p.deviceDir, strings.ReplaceAll(strings.TrimPrefix(path, "/dev/"), "/", "_"))
	if err := os.MkdirAll(p.deviceDir, 0o755); err != nil {
		return "", err
	}
	err := syscall.Mknod(host, syscall.S_IFCHR|0o666, 1<<8|3)
	if err != nil && !errors.Is(err, syscall.EEXIST) {
		return "", fmt.Errorf("mknod %s: %w", host, err)
	}
	return host, os.Chmod(host, 0o666)
}

func sortNumeric(ids []string) {
	slices.SortFunc(ids, func(a, b string) int {
		left, _ := strconv.Atoi(a)
		right, _ := strconv.Atoi(b)
		return cmp.Compare(left, right)
	})
}
