// Command cluster is a multi-call binary: every daemon of a small Kubernetes cluster, and kubectl, chosen
// by the first argument or by the name it is run under.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/coredns/coredns/coremain"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// The few CoreDNS plugins that a cluster without an upstream resolver needs.
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"

	"cdk8s-chatglm.example/test/cluster/chips"
	"cdk8s-chatglm.example/test/cluster/deviceplugin"
	"cdk8s-chatglm.example/test/cluster/nodes"
	"cdk8s-chatglm.example/test/cluster/operators"
	"cdk8s-chatglm.example/test/cluster/registry"
	"cdk8s-chatglm.example/test/cluster/resources"
	"cdk8s-chatglm.example/test/cluster/volumes"
)

// kubernetes are the components that cobra runs.
var kubernetes = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": kcm.NewControllerManagerCommand,
	"kube-scheduler": func() *cobra.Command {
		return scheduler.NewSchedulerCommand(scheduler.WithPlugin(chips.Name, chips.New))
	},
	"kube-proxy": proxy.NewProxyCommand,
	"kubelet":    func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kubectl":    kubectl.NewDefaultKubectlCommand,
}

// own are this module's programs.
var own = map[string]func([]string) error{
	"device-plugin": deviceplugin.Main,
	"registry":      registry.Main,
	"nodes":         nodes.Main,
	"operators":     operators.Main,
	"volumes":       volumes.Main,
	"resources":     resources.Main,
}

// others have a main of their own and read os.Args.
var others = map[string]func(){
	"etcd":        func() { etcdmain.Main(os.Args) },
	"coredns":     coremain.Run,
	"kwok":        runKwok,
	"kwok-stages": printStages,
}

func main() {
	name := filepath.Base(os.Args[0])
	if !known(name) && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	if run, ok := others[name]; ok {
		run()
		return
	}
	if run, ok := own[name]; ok {
		exit(run(os.Args[1:]))
		return
	}
	command, ok := kubernetes[name]
	if !ok {
		exit(fmt.Errorf("cluster: unknown component %q", name))
	}
	os.Exit(cli.Run(command()))
}

func known(name string) bool {
	_, isOwn := own[name]
	_, isOther := others[name]
	_, isKubernetes := kubernetes[name]
	return isOwn || isOther || isKubernetes
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
