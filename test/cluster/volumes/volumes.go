// Package volumes gives every PersistentVolumeClaim a folder of the node, whatever its storage class and
// access mode, as an NFS provisioner would: writable for everybody, shared by all pods that mount it.
package volumes

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Main provisions until SIGINT or SIGTERM.
func Main(arguments []string) error {
	flags := flag.NewFlagSet("volumes", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "of an administrator (needed)")
	root := flags.String("root", "", "folder for the volumes (needed)")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for ctx.Err() == nil {
		if err := watch(ctx, client, *root); err != nil && ctx.Err() == nil {
			log.Printf("volumes: %v; trying again", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
	return nil
}

// watch handles all claims that are there and those that come, until the watch ends.
func watch(ctx context.Context, client kubernetes.Interface, root string) error {
	claims, err := client.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range claims.Items {
		if err := provision(ctx, client, root, &claims.Items[i]); err != nil {
			return err
		}
	}
	watcher, err := client.CoreV1().PersistentVolumeClaims("").Watch(ctx, metav1.ListOptions{ResourceVersion: claims.ResourceVersion})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		claim, ok := event.Object.(*corev1.PersistentVolumeClaim)
		if !ok {
			return errors.New("the watch ended with an error")
		}
		handle := provision
		if event.Type == "DELETED" {
			handle = release
		}
		if err := handle(ctx, client, root, claim); err != nil {
			return err
		}
	}
	return nil
}

func nameOf(claim *corev1.PersistentVolumeClaim) string { return claim.Namespace + "-" + claim.Name }

func provision(ctx context.Context, client kubernetes.Interface, root string, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	folder := filepath.Join(root, nameOf(claim))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(folder, 0o777); err != nil { // MkdirAll obeys the umask
		return err
	}
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: nameOf(claim)},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			StorageClassName:              class,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef:                      &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder}},
		},
	}
	_, err := client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func release(ctx context.Context, client kubernetes.Interface, root string, claim *corev1.PersistentVolumeClaim) error {
	err := client.CoreV1().PersistentVolumes().Delete(ctx, nameOf(claim), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return os.RemoveAll(filepath.Join(root, nameOf(claim)))
}
