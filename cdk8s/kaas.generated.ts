// Generated from config-schema/kaas.schema.json by config-schema/generate.ts: do not edit.

export type Image = string

/**
 * One environment on KaaS (`cdk8s/env/<name>.yaml`): everything that the manifests cannot know by themselves. `npm run synth -- --env <name>` reads it.
 */
export interface KaasSettings {
/**
 * The version of this format.
 */
version: 1
/**
 * The namespace of everything; the platform team makes it (or `platform.cluster_objects`).
 */
namespace: string
/**
 * The host name of dashboard and webhook: one label under the platform's domain.
 */
host: string
/**
 * Where TLS ends.
 */
tls?: {
/**
 * `alb`: at the load balancer of the platform, which sends plain HTTP to nginx. `nginx`: in the ingress controller.
 */
at?: ("alb" | "nginx")
/**
 * With `nginx`: the secret with the certificate.
 */
secret?: string
}
/**
 * Where secrets come from.
 */
aws: {
/**
 * Region of Secrets Manager.
 */
region: string
/**
 * Role that the External Secrets Operator takes (IRSA).
 */
secrets_role: string
/**
 * What the names of all secrets begin with.
 */
secrets_prefix: string
}
/**
 * Images, each by digest.
 */
images: {
app: Image
postgres: Image
redis: Image
qdrant: Image
}
/**
 * The GitLab that repositories live in.
 */
gitlab: {
/**
 * Its address.
 */
url: string
/**
 * Where it runs in this cluster.
 */
in_cluster?: {
/**
 * The namespace of its pods.
 */
namespace?: string
/**
 * Labels that its pods carry.
 */
labels?: {
[k: string]: string | undefined
}
}
}
/**
 * Who signs people in to the dashboard.
 */
oidc: {
/**
 * The issuer.
 */
issuer: string
/**
 * Our id there.
 */
client_id: string
}
/**
 * The providers' addresses; only runners reach them.
 */
llm?: {
/**
 * Where Codex sends its requests.
 */
openai?: string
/**
 * Where Claude Code sends its requests.
 */
anthropic?: string
/**
 * Where embeddings for memory come from.
 */
embeddings?: string
}
/**
 * The policy file, beside this one.
 */
policy: string
/**
 * What keeps workers apart. There is no way to switch it off in a cluster.
 */
sandbox?: {
/**
 * `containers`: the worker is a container of its own. `bubblewrap`: and each job is in a box inside it, which needs a seccomp profile or a runtime class that lets it make user namespaces.
 */
mode?: ("containers" | "bubblewrap")
/**
 * The Localhost profile on the nodes (cdk8s/seccomp/worker.json is ours).
 */
seccomp_profile?: string
/**
 * Runtime class of agents' pods.
 */
runtime_class?: string
}
/**
 * Claims.
 */
storage?: {
/**
 * Class of ReadWriteOnce claims, backed by EBS.
 */
class?: string
/**
 * Size of PostgreSQL's claim.
 */
postgres?: string
/**
 * Size of Redis' claim.
 */
redis?: string
/**
 * Size of Qdrant's claim.
 */
qdrant?: string
/**
 * One ReadWriteMany claim in place of one claim per deployment.
 */
shared?: {
/**
 * A class that can do ReadWriteMany.
 */
class: string
/**
 * Its size.
 */
size: string
}
}
/**
 * What differs for single deployments.
 */
components?: {
dashboard?: ComponentSettings
webhook?: ComponentSettings
scheduler?: ComponentSettings
reconciler?: ComponentSettings
orchestrator?: ComponentSettings
"agent-pm"?: ComponentSettings
"agent-architect"?: ComponentSettings
"agent-builder"?: ComponentSettings
"agent-reviewer"?: ComponentSettings
"agent-tester"?: ComponentSettings
"agent-security"?: ComponentSettings
"agent-devops"?: ComponentSettings
"agent-bug-finder"?: ComponentSettings
}
/**
 * Encrypted dumps.
 */
backup: {
/**
 * The ops team's OpenPGP key (public, armored); only its private half reads a dump.
 */
public_key: string
/**
 * When, as cron in UTC.
 */
schedule?: string
/**
 * Dumps that stay.
 */
keep?: number
/**
 * Size of the claim for dumps.
 */
storage?: string
}
/**
 * Prometheus and Grafana.
 */
monitoring?: {
/**
 * Labels by which the operator picks monitors and rules.
 */
labels?: {
[k: string]: string | undefined
}
/**
 * Whether Grafana's dashboard is written, as a ConfigMap with the label grafana_dashboard.
 */
dashboards?: boolean
}
/**
 * KEDA.
 */
scaling?: {
/**
 * Whether agents without work are scaled to zero.
 */
keda?: boolean
/**
 * The operator's namespace.
 */
namespace?: string
}
/**
 * What the cluster is like.
 */
platform?: {
/**
 * Whether the namespace, the priority classes and the storage class are ours to make.
 */
cluster_objects?: boolean
/**
 * Domain of services.
 */
cluster_domain?: string
/**
 * The ingress controller.
 */
ingress?: {
/**
 * The namespace of its pods.
 */
namespace?: string
/**
 * Labels that its pods carry.
 */
labels?: {
[k: string]: string | undefined
}
}
/**
 * Who scrapes.
 */
prometheus?: {
/**
 * The namespace of its pods.
 */
namespace?: string
/**
 * Labels that its pods carry.
 */
labels?: {
[k: string]: string | undefined
}
}
/**
 * Who resolves names.
 */
dns?: {
/**
 * The namespace of its pods.
 */
namespace?: string
/**
 * Labels that its pods carry.
 */
labels?: {
[k: string]: string | undefined
}
}
}
/**
 * How much is logged.
 */
log_level?: ("debug" | "info" | "warn" | "error")
}
/**
 * What differs for one deployment.
 */
export interface ComponentSettings {
/**
 * Pods of it; a deployment with a claim of its own has exactly one.
 */
replicas?: number
/**
 * Jobs that an agent's runner does at the same time.
 */
slots?: number
/**
 * CPU that is reserved.
 */
cpu?: string
/**
 * Memory that is reserved.
 */
memory?: string
/**
 * Memory at which it is ended.
 */
memory_limit?: string
/**
 * Size of its claim.
 */
storage?: string
image?: Image
/**
 * Package hosts that it may reach on port 443, beside those of its table row.
 */
egress?: string[]
}
