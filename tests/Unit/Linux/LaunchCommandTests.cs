using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public class LaunchCommandTests
{
    [Fact]
    public void A_plain_program_is_started_itself() =>
        Assert.Equal(["/bin/x", "-a"], LaunchCommand.For(new() { Program = "x", Arguments = ["-a"] }, "/bin/x"));

    [Fact]
    public void The_cgroup_comes_first_the_limits_next_and_the_user_last()
    {
        var spec = new ChildSpec
        {
            Program = "x",
            Arguments = ["-a"],
            Cgroup = new() { ProcessFile = "/sys/fs/cgroup/lamina-0/vm/cgroup.procs" },
            Limits = new() { OpenFiles = 9, CpuSeconds = 5 },
            User = new(200001, 200002) { SupplementaryGroups = [105] },
        };
        Assert.Equal(
            [
                "sh", "-c", "echo 0 > \"$0\" && exec \"$@\"", "/sys/fs/cgroup/lamina-0/vm/cgroup.procs",
                "prlimit", "--cpu=5:5", "--nofile=9:9", "--",
                "setpriv", "--reuid=200001", "--regid=200002", "--groups=105", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--",
                "/bin/x", "-a",
            ],
            LaunchCommand.For(spec, "/bin/x").Select(WithoutFolderOfLaunchers));
    }

    [Fact]
    public void A_scope_of_systemd_wraps_the_rest()
    {
        var spec = new ChildSpec { Program = "x", Cgroup = new() { Launcher = ["/usr/bin/systemd-run", "--scope", "--"] }, User = new(5, 6) };
        Assert.Equal(
            ["/usr/bin/systemd-run", "--scope", "--", "setpriv", "--reuid=5", "--regid=6", "--clear-groups"],
            LaunchCommand.For(spec, "/bin/x").Select(WithoutFolderOfLaunchers).Take(7));
    }

    private static string WithoutFolderOfLaunchers(string argument) => argument switch
    {
        _ when argument.EndsWith("/setpriv", StringComparison.Ordinal) => "setpriv",
        _ when argument.EndsWith("/prlimit", StringComparison.Ordinal) => "prlimit",
        _ when argument == Programs.Find("sh") => "sh",
        _ => argument,
    };
}
