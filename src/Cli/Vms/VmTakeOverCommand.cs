using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm take-over</c></summary>
internal static class VmTakeOverCommand
{
    public static Command Build()
    {
        var vm = VmArgument.Create();
        vm.Arity = ArgumentArity.ZeroOrOne;
        var from = new Option<string>("--from") { Description = "the host that is dead", HelpName = "host", Required = true };
        var to = new Option<string?>("--to") { Description = "the host to give it to (default: the best one)", HelpName = "host" };
        var word = new Option<bool>("--i-know-it-is-dead") { Description = "your word, which is recorded, that the dead host runs no guest: it is off, or cut from its disks and networks" };
        var all = new Option<bool>("--all") { Description = "all VMs of that host in the project" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("take-over", "give it to another host, because its own is dead", [vm, from, to, word, all, yes], async (invocation, cancellationToken) =>
        {
            string? name = invocation.Optional(vm);
            if (name is null == !invocation.Value(all)) throw new CliException(ExitCode.Usage, "which VM?", "name one, or say --all");
            var host = (await invocation.Client.Hosts.GetAsync(invocation.Value(from)!, cancellationToken)).Value;
            var takeOver = new VmTakeOver { From = host.Name, To = invocation.Value(to), IKnowItIsDead = invocation.Value(word) };
            if (host.Death is null) takeOver = takeOver with { IKnowItIsDead = Vouch(host.Name, takeOver.IKnowItIsDead, invocation.Value(yes)) };
            else Terminal.Confirm($"Start {name ?? "all of its VMs"} anew elsewhere? {host.Death.By} has said that {host.Name} is dead. What was in memory is lost.", invocation.Value(yes));
            if (name is not null) return await TakeAsync(invocation, name, name, takeOver, cancellationToken);
            return await TakeAllAsync(invocation, host, takeOver, cancellationToken);
        });
    }

    /// <summary>The word is typed, or was written out beforehand.</summary>
    private static bool Vouch(string host, bool isSaid, bool yes)
    {
        if (isSaid && yes) return true;
        string what = $"If {host} still runs its guests, a second instance ruins their disks.";
        if (!Terminal.CanAsk)
        {
            if (!isSaid) return false; // the daemon says what is missing, and whether the host lives
            throw new CliException(ExitCode.Usage, $"{what} Nobody can be asked here, so nothing was changed.", "add --yes to say yes beforehand");
        }

        Console.Error.Write($"{what} Type its name to vouch that it is off, or cut from its disks and networks: ");
        if (Console.ReadLine()?.Trim() != host) throw new CliException(ExitCode.Failed, "nothing was changed");
        return true;
    }

    private static async Task<ExitCode> TakeAllAsync(Invocation invocation, Lamina.Api.Host host, VmTakeOver takeOver, CancellationToken cancellationToken)
    {
        var vms = await invocation.Client.Vms.ListAsync(cancellationToken).Where(vm => vm.Assignment?.Host == host.Id).ToListAsync(cancellationToken);
        if (vms.Count == 0) invocation.Say($"{host.Name} has no VM in this project");
        var worst = ExitCode.Done;
        foreach (var vm in vms)
        {
            try
            {
                var code = await TakeAsync(invocation, vm.Id, vm.Name, takeOver, cancellationToken);
                if (code != ExitCode.Done) worst = code;
            }
            catch (Exception refused) when (refused is Lamina.Api.Client.LaminaException)
            {
                worst = Errors.Report(refused);
            }
        }

        return worst;
    }

    private static async Task<ExitCode> TakeAsync(Invocation invocation, string vm, string name, VmTakeOver takeOver, CancellationToken cancellationToken)
    {
        var operation = await invocation.Client.Vms.TakeOverAsync(vm, takeOver, cancellationToken);
        var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
        string? host = (await invocation.Client.Vms.GetAsync(vm, cancellationToken)).Value.Assignment?.Host;
        string where = host is null ? "another host" : (await invocation.Client.Hosts.GetAsync(host, cancellationToken)).Value.Name;
        return OperationFollower.Conclude(invocation, ended, $"{name} is on {where}");
    }
}
