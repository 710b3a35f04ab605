package deviceplugin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Main runs the plugins of all resources until SIGINT or SIGTERM.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("device-plugin", flag.ContinueOnError)
	pluginDir := flags.String("plugin-dir", api.DevicePluginPath, "the kubelet's device-plugins directory")
	deviceDir := flags.String("device-dir", "", "directory for the stand-in character devices (needed)")
	config := flags.String("config", "", "JSON list of resources")
	healthDir := flags.String("health-dir", "", "a file NAME (slashes as _) here lists unhealthy indices")
	kubeconfig := flags.String("kubeconfig", "", "to find and annotate the pods that Volcano placed")
	node := flags.String("node", "real", "the node's name")
	nodeIP := flags.String("node-ip", "", "the node's address, for the notes on pods")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	resources, err := Read(*config)
	if err != nil {
		return err
	}
	if resources, err = override(resources, flags.Args()); err != nil {
		return err
	}
	if *deviceDir == "" {
		return errors.New("device-plugin: --device-dir is needed")
	}
	pods, err := newAssignments(*kubeconfig, *node, *nodeIP)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var running sync.WaitGroup
	for _, resource := range resources {
		if resource.Plain {
			continue
		}
		p := &plugin{Resource: resource, pluginDir: *pluginDir, deviceDir: *deviceDir, healthDir: *healthDir, pods: pods}
		running.Go(func() { p.run(ctx) })
	}
	running.Wait()
	return nil
}

func newAssignments(kubeconfig, node, nodeIP string) (*assignments, error) {
	if kubeconfig == "" {
		return nil, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &assignments{client: client, node: node, nodeIP: nodeIP}, nil
}

type plugin struct {
	api.UnimplementedDevicePluginServer
	Resource
	pluginDir, deviceDir, healthDir string
	pods                            *assignments // nil: no pod is looked up or annotated
}

func (p *plugin) socket() string {
	return "fake-" + strings.NewReplacer("/", "-", ".", "-").Replace(p.Name) + ".sock"
}

// run serves and registers, and does so again whenever the kubelet restarts, for a restarting kubelet
// empties its device-plugins directory.
func (p *plugin) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.once(ctx); err != nil && ctx.Err() == nil {
			log.Printf("%s: %v; trying again", p.Name, err)
			sleep(ctx, 200*time.Millisecond)
		}
	}
}

func (p *plugin) once(ctx context.Context) error {
	path := filepath.Join(p.pluginDir, p.socket())
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, p)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	if err := p.register(ctx); err != nil {
		return err
	}
	log.Printf("%s: registered %d devices", p.Name, p.Count)
	for ctx.Err() == nil {
		sleep(ctx, time.Second)
		if _, err := os.Stat(path); err != nil {
			return errors.New("the socket is gone (kubelet restarted)")
		}
	}
	return nil
}

func (p *plugin) register(ctx context.Context) error {
	connection, err := grpc.NewClient("unix://"+filepath.Join(p.pluginDir, "kubelet.sock"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(connection).Register(ctx, &api.RegisterRequest{
		Version:      api.Version,
		Endpoint:     p.socket(),
		ResourceName: p.Name,
		Options:      &api.DevicePluginOptions{},
	})
	return err
}

func sleep(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}

// GetDevicePluginOptions says that nothing is optional here.
func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) list() []*api.Device {
	unhealthy := map[string]bool{}
	if p.healthDir != "" {
		content, _ := os.ReadFile(filepath.Join(p.healthDir, strings.ReplaceAll(p.Name, "/", "_")))
		for _, index := range strings.Fields(string(content)) {
			unhealthy[index] = true
		}
	}
	devices := make([]*api.Device, p.Count)
	for i := range devices {
		devices[i] = &api.Device{ID: strconv.Itoa(p.First + i), Health: api.Healthy}
		if unhealthy[devices[i].ID] {
			devices[i].Health = api.Unhealthy
		}
	}
	return devices
}

// ListAndWatch sends the devices whenever their health changes; it looks once a second.
func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	last := ""
	for {
		devices := p.list()
		if now := fmt.Sprint(devices); now != last {
			if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
				return err
			}
			last = now
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}
