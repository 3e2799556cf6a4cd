#include "rest/metrics_families.h"

#include <stddef.h>
#include <string.h>

#include "base/clean.h"

#define HELP_REPORTED "As the node reports it."

// clang-format off: one family a row; what is not here is a sample that a node sends
static const struct {
	const char *name;
	const char *help;
	bool is_ours; // no sample of a node may stand in it
} helps[] = {
	{ "weft_controller_info", "The controller's version.", true },
	{ "weft_controller_resident_bytes", "Memory the controller has in use.", true },
	{ "weft_revision", "The intent's revision.", true },
	{ "weft_event_streams", "Open event streams.", true },
	{ "weft_nodes", "Nodes by health.", true },
	{ "weft_hub_connected", "Nodes with a session.", true },
	{ "weft_hub_sessions_total", "Sessions admitted since the start.", true },
	{ "weft_hub_refused_total",
	  "Connections refused for their certificate, or for want of room.", true },
	{ "weft_hub_dropped_total",
	  "Sessions ended because the node was slow, silent, malformed or lying.", true },
	{ "weft_hub_messages_in_total", "Messages from nodes.", true },
	{ "weft_hub_messages_out_total", "Messages to nodes.", true },
	{ "weft_hub_bytes_in_total", "Bytes from nodes.", true },
	{ "weft_hub_bytes_out_total", "Bytes to nodes.", true },
	{ "weft_hub_queued_bytes", "Bytes waiting for nodes that read slowly.", true },
	{ "weft_webhook_delivered_total", "Events delivered to the webhook since the start.",
	  true },
	{ "weft_webhook_failed_total", "Tries to deliver that failed since the start.", true },
	{ "weft_webhook_waiting", "Events that were not yet looked at or delivered.", true },
	{ "weft_list_rules", "Names of the domain list.", true },
	{ "weft_list_failures", "Tries to fetch the domain list that failed in a row.", true },
	{ "weft_list_age_seconds", "Since the domain list's source was last read.", true },
	{ "weft_node_connected", "1 while the node has a session.", true },
	{ "weft_node_target_revision", "Last revision that changed what the node should have.",
	  true },
	{ "weft_node_applied_revision", "Last revision the node has put in place.", true },
	{ "weft_node_lag_revisions", "Revisions between the two.", true },
	{ "weft_node_peers", "Peers that the node reports.", true },
	{ "weft_node_peers_up", "Of these, with a handshake younger than 180 s.", true },
	{ "weft_metrics_links_left_out",
	  "Peers, wires and ports that are not told one by one; ask for those of a node.", true },
	{ "weft_node_entry_errors", "Entries the node could not put in place.", true },
	{ "weft_peer_up", "1 when the last handshake is younger than 180 s.", true },
	{ "weft_peer_rx_bytes_total", "Bytes received from the peer by WireGuard.", false },
	{ "weft_peer_tx_bytes_total", "Bytes sent to the peer by WireGuard.", false },
	{ "weft_peer_handshake_age_seconds", "Age of the last handshake with the peer.", false },
	{ "weft_link_up", "1 while the link forwards, as its probes find it; degraded is up, too.",
	  true },
	{ "weft_link_degraded", "1 while the link forwards but its sla is broken.", true },
	{ "weft_link_active", "1 while the external link carries the traffic to the prefix.",
	  true },
	{ "weft_link_latency_seconds", "Last round trip of a probe.", false },
	{ "weft_link_forward_seconds", "Last way to the peer, where the clocks allow to tell.",
	  false },
	{ "weft_link_back_seconds", "Last way back, where the clocks allow to tell.", false },
	{ "weft_link_jitter_seconds", "How much the time on the way varies (RFC 3550).", false },
	{ "weft_link_loss", "Share of the last 128 probes that were lost.", false },
	{ "weft_link_sent_total", "Probes sent.", false },
	{ "weft_link_returned_total", "Probes that came back in time.", false },
	{ "weft_link_lost_total", "Probes lost, there or back.", false },
	{ "weft_link_lost_there_total", "Probes lost on the way to the peer.", false },
	{ "weft_link_late_total", "Replies that came after they were counted as lost.", false },
	{ "weft_link_reordered_total", "Replies that were overtaken.", false },
	{ "weft_link_duplicate_total", "Replies that came again.", false },
	{ "weft_link_rejected_total",
	  "Datagrams at the probe's ports that were garbage, foreign or replayed.", false },
	{ RTT_FAMILY, "Round trips of probes.", true },
	{ ONE_WAY_FAMILY, "The way to the peer and back, while the clocks allow to tell.", true },
	{ "weft_link_histograms_left_out", "Links beyond those whose histogram is shown.", true },
	{ "weft_ha_active", "1 while the node is its HA group's active member.", true },
	{ "weft_ha_epoch", "Grows with each change of the active member.", true },
	{ "weft_ha_voters", "Voters of the HA group.", true },
	{ "weft_ha_voters_heard", "Of these, those that this node hears.", true },
	{ "weft_wire_up", "1 when the wire's device is up.", true },
	{ "weft_wire_forwards", "1 while the wire's own probes come back.", true },
	{ "weft_path_direct", "1 while routed traffic to the peer goes by the direct wire.", true },
	{ "weft_path_moves_total",
	  "How often the traffic to the peer, or to the prefix outside, moved to another way.",
	  false },
	{ "weft_path_rtt_seconds", "Round trip by the way in use.", false },
	{ "weft_path_lan_followed",
	  "1 while an HA group's LANs are reached through the peer, its active member.", true },
	{ "weft_gateway_up", "1 while the gateway can carry traffic, as the node finds it.", true },
	{ "weft_gateway_group_up", "1 while a gateway of the group is well.", true },
	{ "weft_gateway_group_uses", "1 for the gateway that the group's traffic leaves by.",
	  true },
	{ "weft_gateway_group_moves_total",
	  "How often the group's traffic moved to another gateway.", true },
	{ "weft_policy_rule_flows_total", "Flows that the policy's rule has decided.", true },
	{ "weft_policy_rule_packets_total", "Packets of these, both ways.", true },
	{ "weft_policy_rule_bytes_total", "Bytes of these, both ways.", true },
	{ "weft_splitter_connections_total",
	  "Connections that were looked into for the name that they say.", false },
	{ "weft_splitter_active", "Of these, those that are open.", false },
	{ "weft_splitter_quic_total", "Flows of QUIC that were looked into.", false },
	{ "weft_splitter_named_total", "Flows that said a name.", false },
	{ "weft_splitter_unknown_total",
	  "Flows that said none, in a protocol that could have, or whose name was hidden.", false },
	{ "weft_splitter_foreign_total", "Flows of other protocols.", false },
	{ "weft_splitter_refused_total", "Flows that a rule refused.", false },
	{ "weft_splitter_failed_total", "Flows that could not be carried.", false },
	{ "weft_splitter_bytes_up_total", "Bytes carried for clients to servers.", false },
	{ "weft_splitter_bytes_down_total", "Bytes carried back.", false },
	{ "weft_dns_learned", "Addresses that are learned for names now.", false },
	{ "weft_dns_shared", "Of these, those of names in different lists.", false },
	{ "weft_dns_writes", "Changes of the kernel's sets that were made.", false },
	{ "weft_dns_write_failures", "Changes of the kernel's sets that failed.", false },
	{ "weft_port_forwarding", "1 when the bridge port forwards.", true },
	{ "weft_guard_spoof_in_total", "Packets dropped: a source that their sender may not use.",
	  false },
	{ "weft_guard_spoof_out_total", "Packets dropped: a source that this node may not use.",
	  false },
	{ "weft_guard_vxlan_in_total", "Packets dropped: VXLAN from elsewhere than a known wire.",
	  false },
	{ "weft_guard_vxlan_out_total", "Packets dropped: VXLAN that would have left unencrypted.",
	  false },
	{ "weft_guard_overlay_in_total",
	  "Packets dropped: a source outside the overlay in its tunnel.", false },
};
// clang-format on

const char *family_help(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(helps); i++)
		if (strcmp(helps[i].name, name) == 0)
			return helps[i].help;
	return HELP_REPORTED;
}

bool family_is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(helps); i++)
		if (strcmp(helps[i].name, name) == 0)
			return helps[i].is_ours;
	return false;
}
