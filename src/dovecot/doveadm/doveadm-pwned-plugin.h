/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOVEADM_PWNED_PLUGIN_H
#define DOVEADM_PWNED_PLUGIN_H

struct doveadm_cmd_ver2;

extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_check;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_clear;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_config;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_exempt;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_forget;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_list;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_purge;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_report;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_resume;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_show;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_stats;
extern struct doveadm_cmd_ver2 doveadm_cmd_pwned_suspend;

#endif
