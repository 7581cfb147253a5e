using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Metrics;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm top</c>, <c>vm metrics</c>, <c>vm balloon</c></summary>
internal static class VmMetricCommands
{
    private static readonly TimeSpan KeyInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShowInterval = TimeSpan.FromSeconds(2);

    public static Command Top()
    {
        var sort = new Option<TopOrder>("--sort") { Description = "by cpu, memory, disk, net or name", HelpName = "figure" };
        var once = new Option<bool>("--once") { Description = "print the table once; in a pipe that is always so" };
        var host = SharedOptions.Host();
        return CommandBuilder.Verb("top", "what the running ones of a host do now; q quits, c m d n sort", [sort, once, host], async (invocation, cancellationToken) =>
        {
            bool isLive = !invocation.Value(once) && invocation.Printer.Format == OutputFormat.Table && Terminal.Width is not null && !Console.IsInputRedirected;
            if (isLive) await FollowAsync(invocation, invocation.Value(sort), invocation.Value(host), cancellationToken);
            else
            {
                var now = await invocation.Client.Metrics.GetNowAsync(invocation.Value(host), cancellationToken);
                invocation.Printer.List(TopView.Sort(now.Vms, invocation.Value(sort)), ApiJson.Default.VmFigures, TopView.Columns);
            }
        });
    }

    public static Command Metrics()
    {
        var vm = VmArgument.Create();
        var options = new HistoryOptions();
        return CommandBuilder.Verb("metrics", "what it did until now", [vm, .. options.All], async (invocation, cancellationToken) =>
            HistoryView.Print(invocation.Printer, await invocation.Client.Vms.GetMetricsAsync(invocation.Value(vm), options.Range(invocation), cancellationToken), options.Only(invocation)));
    }

    public static Command Balloon()
    {
        var vm = VmArgument.Create();
        var size = new Argument<string?>("size") { Description = "what the guest shall keep, such as 1GiB; auto: as the host's policy says", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => null };
        return CommandBuilder.Verb("balloon", "take memory from a running guest, or give it back", [vm, size], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            if (invocation.Value(size) is { } wanted) await SetAsync(invocation, name, wanted, cancellationToken);
            else await ShowAsync(invocation, name, cancellationToken);
        });
    }

    private static async Task SetAsync(Invocation invocation, string name, string wanted, CancellationToken cancellationToken)
    {
        int? left = wanted == "auto" ? null : checked((int)(SizeOptions.Bytes("size", int.TryParse(wanted, out _) ? wanted + "MiB" : wanted) >> 20));
        _ = left is null
            ? await invocation.Client.Vms.ReleaseBalloonAsync(name, cancellationToken)
            : await invocation.Client.Vms.UpdateAsync(name, new VmUpdate { BalloonMiB = left }, ifMatch: null, cancellationToken);
        invocation.Say(left is null ? $"{name}: the host's policy has its balloon again" : $"{name} keeps {Sizes.Format((long)left << 20)}; it takes the guest some seconds");
    }

    private static async Task ShowAsync(Invocation invocation, string name, CancellationToken cancellationToken)
    {
        var vm = (await invocation.Client.Vms.GetAsync(name, cancellationToken)).Value;
        var now = await invocation.Client.Metrics.GetNowAsync(vm.Assignment?.Host, cancellationToken);
        var figures = now.Vms.FirstOrDefault(each => each.Id == vm.Id);
        invocation.Printer.Show(
            vm,
            ApiJson.Default.Vm,
            [
                new("memory", each => Sizes.Format((long)each.Spec.MemoryMiB << 20)),
                new("at least", each => Sizes.Format((long)(each.Spec.MemoryMinMiB ?? each.Spec.MemoryMiB / 2) << 20)),
                new("set", each => each.Spec.BalloonMiB is { } left ? $"by hand: {Sizes.Format((long)left << 20)}" : "by the host's policy"),
                new("taken", _ => Figures.Bytes(figures?.BalloonBytes)),
                new("guest has available", _ => Figures.Bytes(figures?.GuestAvailableBytes)),
                new("resident", _ => Figures.Bytes(figures?.GuestResidentBytes)),
            ]);
    }

    private static async Task FollowAsync(Invocation invocation, TopOrder order, string? host, CancellationToken cancellationToken)
    {
        // The other screen of the terminal: what was there before comes back.
        Console.Write("\x1b[?1049h\x1b[?25l");
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                Draw(await invocation.Client.Metrics.GetNowAsync(host, cancellationToken), order);
                if (await KeyAsync(cancellationToken) is not { } key) continue;
                if (key is 'q' or 'Q') return;
                order = key switch { 'c' => TopOrder.Cpu, 'm' => TopOrder.Memory, 'd' => TopOrder.Disk, 'n' => TopOrder.Net, 'a' => TopOrder.Name, _ => order };
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C ends it as well.
        }
        finally
        {
            Console.Write("\x1b[?25h\x1b[?1049l");
        }
    }

    private static void Draw(MetricsNow now, TopOrder order)
    {
        int rows = Math.Max(1, Console.WindowHeight - 6);
        var vms = TopView.Sort(now.Vms, order);
        string table = TextTable.Render([.. vms.Take(rows)], TopView.Columns, Terminal.Width);
        string more = vms.Count > rows ? $"… and {vms.Count - rows} more\n" : "";
        string screen = TopView.Heading(now.Host, vms.Count) + table + more + $"sorted by {order.ToString().ToLowerInvariant()}; c m d n a sort, q quits";
        Console.Write("\x1b[H\x1b[J" + screen.Replace("\n", "\r\n", StringComparison.Ordinal));
    }

    /// <summary>Null: none was pressed until the next table is due.</summary>
    private static async Task<char?> KeyAsync(CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; waited < ShowInterval; waited += KeyInterval)
        {
            if (Console.KeyAvailable) return Console.ReadKey(intercept: true).KeyChar;
            await Task.Delay(KeyInterval, cancellationToken);
        }

        return null;
    }
}
