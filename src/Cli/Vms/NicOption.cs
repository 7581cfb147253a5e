using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary>A card as people write it: <c>network=lab,address=10.10.0.5,mac=52:54:00:12:34:56,model=e1000</c>.</summary>
internal static class NicOption
{
    public static Option<string[]> Make() => new("--nic")
    {
        Description = "a NIC: network=NAME[,address=IP][,mac=MAC][,model=virtio|e1000][,firewall=GROUP][,inbound=RATE][,outbound=RATE]; may be repeated",
        HelpName = "network=…,address=…",
    };

    /// <exception cref="CliException">It is none.</exception>
    public static VmNicCreate Parse(string text)
    {
        var nic = new VmNicCreate();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (key, value) = part.Split('=', 2) is [var before, var after] ? (before, after) : ("network", part);
            nic = key switch
            {
                "network" when value == "user" => nic with { Kind = NicKind.User },
                "network" => nic with { Kind = NicKind.Network, Network = value },
                "address" => nic with { Address = value },
                "mac" => nic with { Mac = value },
                "model" => nic with { Model = Enum.TryParse<NicModel>(value, ignoreCase: true, out var model) ? model : throw Malformed(text, $"model is virtio or e1000, not {value}") },
                "firewall" => nic with { FirewallGroups = [.. nic.FirewallGroups ?? [], value] },
                "inbound" => nic with { InboundKbps = Rate(text, value) },
                "outbound" => nic with { OutboundKbps = Rate(text, value) },
                _ => throw Malformed(text, $"'{key}' is unknown"),
            };
        }

        return nic;
    }

    private static int Rate(string text, string value) => RateOptions.TryParse(value, out int kbps) ? kbps : throw Malformed(text, $"{value} is no rate");

    private static CliException Malformed(string text, string why) => new(ExitCode.Usage, $"--nic {text}: {why}", "write for example --nic network=lab,address=10.10.0.5");
}
