using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api.Input;

namespace Lamina.Server;

/// <summary>What the values of the configuration mean: ranges and forms. Types and names were checked before.</summary>
internal static class ConfigurationRules
{
    public static void Check(JsonNode merged, string directory, InputProblems problems)
    {
        if (problems.Any || merged.Deserialize(ConfigurationJson.Default.Configuration) is not { } configuration) return;
        string at = $"{directory}: $";
        foreach (string address in configuration.Api?.Addresses ?? [])
        {
            if (!IPAddress.TryParse(address, out _))
                problems.Add($"{at}.api.addresses", "address.invalid", $"'{Suggestions.Shorten(address)}' is no IP address; 0.0.0.0 is every IPv4 address, '::' every one.");
        }

        Within(configuration.Api?.Port, 1, 65535, $"{at}.api.port", problems);
        var retention = configuration.Retention;
        Within(retention?.Events, 100, 1_000_000, $"{at}.retention.events", problems);
        Within(retention?.EventDays, 1, 3650, $"{at}.retention.eventDays", problems);
        Within(retention?.AuditEntries, 100, 1_000_000, $"{at}.retention.auditEntries", problems);
        Within(retention?.AuditDays, 1, 3650, $"{at}.retention.auditDays", problems);
        Within(retention?.Operations, 100, 100_000, $"{at}.retention.operations", problems);
        Within(retention?.OperationDays, 1, 3650, $"{at}.retention.operationDays", problems);
        Within(configuration.Metrics?.IntervalSeconds, 10, 300, $"{at}.metrics.intervalSeconds", problems);
        Absolute(configuration.Pool?.Path, $"{at}.pool.path", problems);
        Absolute(configuration.Upgrade?.Key, $"{at}.upgrade.key", problems);
        if (configuration.Network?.Subnet is { } subnet && !IPNetwork.TryParse(subnet, out _))
            problems.Add($"{at}.network.subnet", "subnet.invalid", $"'{Suggestions.Shorten(subnet)}' is no network; write for example 192.168.200.0/24.");
    }

    private static void Within(int? value, int least, int most, string path, InputProblems problems)
    {
        if (value < least || value > most) problems.Add(path, "value.outOfRange", $"Write a whole number from {least} to {most}.");
    }

    private static void Absolute(string? path, string where, InputProblems problems)
    {
        if (path is not null && !Path.IsPathRooted(path)) problems.Add(where, "path.relative", $"'{Suggestions.Shorten(path)}' must begin with '/'.");
    }
}
