{{/*
Egress rules for a list of URLs, each rule once. A bare host is a Service of this namespace, `name.namespace.svc`
(or `pod.name.namespace.svc`) one of that namespace (a policy sees the pods' ports, not the Service's, so all
ports of it). An address is itself. Any other host is outside: its port, on all addresses that are not private.
*/}}
{{- define "routemoa.egressTo" -}}
{{- $rules := list -}}
{{- range $url := . -}}
{{- $parsed := urlParse $url -}}
{{- $host := regexReplaceAll ":[0-9]+$" $parsed.host "" -}}
{{- $port := regexFind ":[0-9]+$" $parsed.host | trimPrefix ":" | default (ternary "443" "80" (eq $parsed.scheme "https")) -}}
{{- $ports := list (dict "protocol" "TCP" "port" (int $port)) -}}
{{- if regexMatch "^[0-9.]+$" $host -}}
{{- $rules = append $rules (dict "to" (list (dict "ipBlock" (dict "cidr" (printf "%s/32" $host)))) "ports" $ports) -}}
{{- else if hasPrefix "[" $host -}}
{{- $rules = append $rules (dict "to" (list (dict "ipBlock" (dict "cidr" (printf "%s/128" (trimAll "[]" $host))))) "ports" $ports) -}}
{{- else if not (contains "." $host) -}}
{{- $rules = append $rules (dict "to" (list (dict "podSelector" dict))) -}}
{{- else if regexMatch "^([^.]+[.])?[^.]+[.][^.]+[.]svc([.]|$)" $host -}}
{{- $labels := dict "kubernetes.io/metadata.name" (regexReplaceAll "^.*?([^.]+)[.]svc([.].*)?$" $host "${1}") -}}
{{- $rules = append $rules (dict "to" (list (dict "namespaceSelector" (dict "matchLabels" $labels)))) -}}
{{- else -}}
{{- $private := list "10.0.0.0/8" "100.64.0.0/10" "169.254.0.0/16" "172.16.0.0/12" "192.168.0.0/16" -}}
{{- $public := list (dict "ipBlock" (dict "cidr" "0.0.0.0/0" "except" $private)) -}}
{{- $public = append $public (dict "ipBlock" (dict "cidr" "::/0" "except" (list "fc00::/7" "fe80::/10"))) -}}
{{- $rules = append $rules (dict "to" $public "ports" $ports) -}}
{{- end -}}
{{- end -}}
{{- with uniq $rules }}{{ toYaml . }}{{ end -}}
{{- end }}
