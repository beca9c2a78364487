// A Cluster API provider as it is usually written in Go, with controller-runtime and typed objects: what the operator is
// measured against. Its reconcile finds nothing to do.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

const ownerIndex = "owner"

type reconciler struct {
	client.Client
	claims, told bool
	ended        atomic.Int64
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ownerOf(object client.Object, kind string) string {
	for _, owner := range object.GetOwnerReferences() {
		if owner.Kind == kind {
			return owner.Name
		}
	}
	return ""
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	defer r.ended.Add(1)
	if r.told {
		fmt.Printf("{\"reconciled\":%q,\"at\":%.3f}\n", request.Name, float64(time.Now().UnixMicro())/1000)
	}
	machine := &ScvmmMachine{}
	if err := r.Get(ctx, request.NamespacedName, machine); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := machine.copy()
	owner, cluster := &Machine{}, &Cluster{}
	if err := r.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: ownerOf(machine, "Machine")}, owner); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: owner.Spec.ClusterName}, cluster); err != nil {
		return ctrl.Result{}, err
	}
	if r.claims {
		claims := &List[ClaimSpec, ClaimStatus]{}
		if err := r.List(ctx, claims, client.InNamespace(request.Namespace), client.MatchingFields{ownerIndex: machine.Name}); err != nil {
			return ctrl.Result{}, err
		}
	}
	for _, condition := range before.Status.Conditions {
		condition.LastTransitionTime = metav1.Time{}
		meta.SetStatusCondition(&machine.Status.Conditions, condition)
	}
	patch := client.MergeFrom(before)
	if data, err := patch.Data(machine); err != nil || string(data) == "{}" {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.Status().Patch(ctx, machine, patch)
}

func main() {
	kubeconfig := flag.String("config", "", "kubeconfig file")
	metrics := flag.String("metrics", "127.0.0.1:0", "address of /metrics")
	claims := flag.Bool("claims", true, "whether IPAddressClaims are watched")
	told := flag.Bool("told", false, "whether each reconcile writes a line")
	rounds := flag.Int("rounds", 0, "how often every machine is queued again; the rate of each round is told")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	scheme := runtime.NewScheme()
	register := func(group, version, kind string, object, list runtime.Object) {
		gv := schema.GroupVersion{Group: group, Version: version}
		scheme.AddKnownTypeWithName(gv.WithKind(kind), object)
		scheme.AddKnownTypeWithName(gv.WithKind(kind+"List"), list)
		metav1.AddToGroupVersion(scheme, gv)
	}
	register("cluster.x-k8s.io", "v1beta2", "Cluster", &Cluster{}, &List[ClusterSpec, ClusterStatus]{})
	register("cluster.x-k8s.io", "v1beta2", "Machine", &Machine{}, &List[MachineSpec, MachineStatus]{})
	register("ipam.cluster.x-k8s.io", "v1beta2", "IPAddressClaim", &IPAddressClaim{}, &List[ClaimSpec, ClaimStatus]{})
	register("infrastructure.cluster.x-k8s.io", "v1alpha1", "ScvmmCluster", &ScvmmCluster{}, &List[ScvmmClusterSpec, ScvmmClusterStatus]{})
	register("infrastructure.cluster.x-k8s.io", "v1alpha1", "ScvmmMachine", &ScvmmMachine{}, &List[ScvmmMachineSpec, ScvmmMachineStatus]{})

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check(err)
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: *metrics}})
	check(err)
	r := &reconciler{Client: manager.GetClient(), claims: *claims, told: *told}
	again := make(chan event.GenericEvent, 10_000)
	ctx := ctrl.SetupSignalHandler()
	builder := ctrl.NewControllerManagedBy(manager).
		Named("scvmmmachine").
		For(&ScvmmMachine{}).
		Watches(&Machine{}, handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []ctrl.Request {
			return []ctrl.Request{{NamespacedName: types.NamespacedName{
				Namespace: object.GetNamespace(), Name: object.(*Machine).Spec.InfrastructureRef.Name,
			}}}
		})).
		WatchesRawSource(source.Channel(again, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 10})
	if *claims {
		check(manager.GetFieldIndexer().IndexField(ctx, &IPAddressClaim{}, ownerIndex, func(object client.Object) []string {
			return []string{ownerOf(object, "ScvmmMachine")}
		}))
	}
	check(builder.Complete(r))
	_, err = manager.GetCache().GetInformer(ctx, &ScvmmCluster{})
	check(err)
	if *rounds > 0 {
		go measure(ctx, manager.GetClient(), r, again, *rounds)
	}
	check(manager.Start(ctx))
}

// User and system time of this process.
func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Reconciles of every machine per second of CPU time, again and again, once the first reconciles are over.
func measure(ctx context.Context, reader client.Client, r *reconciler, again chan<- event.GenericEvent, rounds int) {
	machines := &List[ScvmmMachineSpec, ScvmmMachineStatus]{}
	for len(machines.Items) == 0 || r.ended.Load() < int64(len(machines.Items)) {
		time.Sleep(100 * time.Millisecond)
		_ = reader.List(ctx, machines)
	}
	time.Sleep(time.Second)
	for range rounds {
		r.ended.Store(0)
		begin := cpu()
		for i := range machines.Items {
			again <- event.GenericEvent{Object: &machines.Items[i]}
		}
		for r.ended.Load() < int64(len(machines.Items)) {
			time.Sleep(200 * time.Microsecond)
		}
		fmt.Printf("{\"rate\":%.1f}\n", float64(len(machines.Items))/(cpu()-begin).Seconds())
	}
}
