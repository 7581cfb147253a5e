using System.CommandLine;
using Lamina.Cli;
using Lamina.Cli.Vms;

var root = new RootCommand("Lamina: virtual machines on your own servers")
{
    VmCommands.Build(),
    ImageCommands.Build(),
    IsoCommands.Build(),
    DiskCommands.Build(),
    PoolCommands.Build(),
    FirewallCommands.Build(),
    HostCommands.Build(),
    OperationCommands.Build(),
    EventCommands.Build(),
    EventCommands.Audit(),
    UserCommands.Users(),
    UserCommands.Tokens(),
    UserCommands.WhoAmI(),
    UserCommands.Roles(),
    CertificateCommands.Build(),
    BackupCommands.Build(),
    DoctorCommand.Build(),
    LogCommand.Build(),
    SupportBundleCommand.Build(),
    ContextCommands.Login(),
    ContextCommands.Build(),
    ApiCommand.Build(),
    CompletionCommand.Build(),
};
foreach (var command in ResourceCommands.Build()) root.Add(command);
foreach (var option in Globals.All) root.Add(option);

var parsed = root.Parse(args);
return parsed.Errors.Count > 0 ? UsageErrors.Report(parsed) : await parsed.InvokeAsync();
