using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Cluster;

/// <summary>What may be named as an etcd that is there already (pure but for the look at the files).</summary>
internal static class ExternalEtcdRules
{
    public static void Check(ExternalEtcd etcd, InputProblems problems)
    {
        if (etcd.Endpoints.Count == 0) problems.Add("$.etcd.endpoints", "value.missing", "Name at least one address: https://HOST:2379");
        for (int index = 0; index < etcd.Endpoints.Count; index++)
        {
            if (!Uri.TryCreate(etcd.Endpoints[index], UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
                problems.Add($"$.etcd.endpoints[{index}]", "value.invalid", $"'{etcd.Endpoints[index]}' is no https address: the store holds secrets of all guests.");
        }

        foreach (var (path, file) in new[] { ("$.etcd.caFile", etcd.CaFile), ("$.etcd.certificateFile", etcd.CertificateFile), ("$.etcd.keyFile", etcd.KeyFile) })
        {
            if (!File.Exists(file)) problems.Add(path, "file.missing", $"There is no file {file} on this host.");
        }
    }
}
