// Package operators is a small controller for AscendJob and Volcano Job. It does what the real ones do
// as far as pods can tell: names, labels, environment, host names, gang start, rank tables, policies.
// docs/cluster.md lists what it does not imitate.
//
// Facts: volcano-sh/volcano@ed72c7c8 pkg/controllers/job, Ascend/mind-cluster@22bb3d98
// component/ascend-operator.
package operators

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var (
	volcanoJobs = schema.GroupVersionResource{Group: "batch.volcano.sh", Version: "v1alpha1", Resource: "jobs"}
	ascendJobs  = schema.GroupVersionResource{Group: "mindxdl.gitee.com", Version: "v1", Resource: "ascendjobs"}
	queues      = schema.GroupVersionResource{Group: "scheduling.volcano.sh", Version: "v1beta1", Resource: "queues"}
)

// Operators reconciles all jobs of the cluster, one at a time.
type Operators struct {
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	pods    func() ([]*corev1.Pod, error)
	jobs    map[schema.GroupVersionResource]cache.GenericLister
	wake    chan struct{}

	mutex   sync.Mutex
	deleted []*corev1.Pod          // pods that went away since the last round
	seen    map[types.UID]bool     // pods whose end was acted upon
	retries map[types.UID]retrying // AscendJobs that fault-retry-times restarted
	tables  map[types.UID]string   // by job: the rank table written last
}

// Main runs the controller until SIGINT or SIGTERM.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("operators", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "of an administrator (needed)")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	operators, err := start(ctx, kube, client)
	if err != nil {
		return err
	}
	operators.run(ctx)
	return nil
}

func start(ctx context.Context, kube kubernetes.Interface, client dynamic.Interface) (*Operators, error) {
	o := &Operators{
		kube: kube, dynamic: client, wake: make(chan struct{}, 1),
		jobs: map[schema.GroupVersionResource]cache.GenericLister{},
		seen: map[types.UID]bool{}, retries: map[types.UID]retrying{}, tables: map[types.UID]string{},
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { o.poke() },
		UpdateFunc: func(any, any) { o.poke() },
		DeleteFunc: func(object any) { o.note(object); o.poke() },
	}
	core := informers.NewSharedInformerFactory(kube, 0)
	custom := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	watched := []cache.SharedIndexInformer{core.Core().V1().Pods().Informer()}
	for _, resource := range []schema.GroupVersionResource{volcanoJobs, ascendJobs} {
		informer := custom.ForResource(resource)
		o.jobs[resource] = informer.Lister()
		watched = append(watched, informer.Informer())
	}
	for _, informer := range watched {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	lister := core.Core().V1().Pods().Lister()
	o.pods = func() ([]*corev1.Pod, error) { return lister.List(labels.Everything()) }
	core.Start(ctx.Done())
	custom.Start(ctx.Done())
	for _, informer := range watched {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return nil, errors.New("operators: the caches did not fill")
		}
	}
	return o, nil
}

func (o *Operators) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *Operators) note(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		o.mutex.Lock()
		o.deleted = append(o.deleted, pod)
		o.mutex.Unlock()
	}
}

// run reconciles whenever something changed, shortly after it did, so that one round sees many changes,
// and once a second while a round failed.
func (o *Operators) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		time.Sleep(50 * time.Millisecond)
		if err := o.round(ctx); err != nil {
			log.Printf("operators: %v", err)
			time.AfterFunc(time.Second, o.poke)
		}
	}
}

func (o *Operators) round(ctx context.Context) error {
	o.mutex.Lock()
	deleted := o.deleted
	o.deleted = nil
	o.mutex.Unlock()
	pods, err := o.pods()
	if err != nil {
		return err
	}
	return errors.Join(
		o.each(volcanoJobs, func(object *unstructured.Unstructured) error {
			return o.reconcileVolcanoJob(ctx, object, owned(pods, object.GetUID()), owned(deleted, object.GetUID()))
		}),
		o.each(ascendJobs, func(object *unstructured.Unstructured) error {
			return o.reconcileAscendJob(ctx, object, owned(pods, object.GetUID()))
		}))
}

func (o *Operators) each(resource schema.GroupVersionResource, reconcile func(*unstructured.Unstructured) error) error {
	objects, err := o.jobs[resource].List(labels.Everything())
	if err != nil {
		return err
	}
	var failures []error
	for _, object := range objects {
		job, ok := object.(*unstructured.Unstructured)
		if !ok || job.GetDeletionTimestamp() != nil {
			continue
		}
		failures = append(failures, reconcile(job.DeepCopy()))
	}
	return errors.Join(failures...)
}

func owned(pods []*corev1.Pod, owner types.UID) []*corev1.Pod {
	var found []*corev1.Pod
	for _, pod := range pods {
		for _, reference := range pod.OwnerReferences {
			if reference.UID == owner {
				found = append(found, pod)
			}
		}
	}
	return found
}
