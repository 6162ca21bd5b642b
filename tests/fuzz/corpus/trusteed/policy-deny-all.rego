POST /kbs/v0/resource-policy admin -
# realmkey-policy: deny-all
package policy

default allow := false
