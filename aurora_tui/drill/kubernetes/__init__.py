"""An embedded Kubernetes API with its controllers and simulated nodes; honest about what it lacks."""

from aurora_tui.drill.kubernetes import crowd
from aurora_tui.drill.kubernetes.api import kubernetes_app
from aurora_tui.drill.kubernetes.behaviour import Behaviour
from aurora_tui.drill.kubernetes.certificate import LoopbackTls, loopback_tls
from aurora_tui.drill.kubernetes.cluster import Cluster
from aurora_tui.drill.kubernetes.kubeconfig import kubeconfig

__all__ = ["Behaviour", "Cluster", "LoopbackTls", "crowd", "kubeconfig", "kubernetes_app", "loopback_tls"]
